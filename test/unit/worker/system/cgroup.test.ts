import { describe, expect, it } from 'vitest';
import { openCgroup } from '../../../../worker/system/cgroup.js';
import { makeFiles } from '../../../support/home.js';

describe('cgroup', () => {
  it('version 2', () => {
    const root = makeFiles({
      'proc/self/cgroup': '0::/kubepods/pod1\n',
      'sys/fs/cgroup/kubepods/pod1/cpu.max': '50000 100000\n',
      'sys/fs/cgroup/kubepods/pod1/cpu.stat':
        'usage_usec 1\nnr_periods 40\nnr_throttled 7\nthrottled_usec 2500000\n',
    });
    expect(openCgroup(root)?.()).toEqual({ periods: 40, throttledPeriods: 7, throttledSeconds: 2.5 });
  });

  it('version 2 in a container, where the path is not mounted', () => {
    const root = makeFiles({
      'proc/self/cgroup': '0::/../../pod1\n',
      'sys/fs/cgroup/cpu.max': '50000 100000\n',
      'sys/fs/cgroup/cpu.stat': 'nr_periods 1\nnr_throttled 0\nthrottled_usec 0\n',
    });
    expect(openCgroup(root)?.()).toEqual({ periods: 1, throttledPeriods: 0, throttledSeconds: 0 });
  });

  it('version 2, where the quota is that of a cgroup above', () => {
    const root = makeFiles({
      'proc/self/cgroup': '0::/shop.slice/app/init\n',
      'sys/fs/cgroup/shop.slice/app/init/cpu.max': 'max 100000\n',
      'sys/fs/cgroup/shop.slice/app/init/cpu.stat': 'nr_periods 0\nnr_throttled 0\nthrottled_usec 0\n',
      'sys/fs/cgroup/shop.slice/app/cpu.max': '50000 100000\n',
      'sys/fs/cgroup/shop.slice/app/cpu.stat': 'nr_periods 5\nnr_throttled 2\nthrottled_usec 1000000\n',
      'sys/fs/cgroup/shop.slice/cpu.max': '90000 100000\n',
    });
    expect(openCgroup(root)?.()).toEqual({ periods: 5, throttledPeriods: 2, throttledSeconds: 1 });
  });

  it('version 1', () => {
    const root = makeFiles({
      'proc/self/cgroup': '5:memory:/x\n4:cpu,cpuacct:/docker/abc\n0::/\n',
      'sys/fs/cgroup/cpu,cpuacct/docker/abc/cpu.cfs_quota_us': '20000\n',
      'sys/fs/cgroup/cpu,cpuacct/docker/abc/cpu.stat':
        'nr_periods 9\nnr_throttled 3\nthrottled_time 1500000000\n',
    });
    expect(openCgroup(root)?.()).toEqual({ periods: 9, throttledPeriods: 3, throttledSeconds: 1.5 });
  });

  it.each([
    [
      'no quota',
      {
        'proc/self/cgroup': '0::/\n',
        'sys/fs/cgroup/cpu.max': 'max 100000\n',
        'sys/fs/cgroup/cpu.stat': 'nr_periods 0\n',
      },
    ],
    [
      'no quota (version 1)',
      {
        'proc/self/cgroup': '4:cpu:/\n',
        'sys/fs/cgroup/cpu/cpu.cfs_quota_us': '-1\n',
        'sys/fs/cgroup/cpu/cpu.stat': 'nr_periods 0\n',
      },
    ],
    ['no cgroups', {}],
  ])('nothing where there is %s', (_, files) => {
    expect(openCgroup(makeFiles(files))).toBeUndefined();
  });
});
