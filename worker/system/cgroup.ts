import { existsSync } from 'node:fs';
import { read } from './thread.js';

/** CPU bandwidth control of the process's cgroup: how often its quota ran out. */
export interface CpuThrottling {
  readonly periods: number;
  readonly throttledPeriods: number;
  readonly throttledSeconds: number;
}

/**
 * Finds the cgroup that limits this process's CPU, version 1 or 2.
 * @param root where the file systems are mounted; other than `/` in tests
 * @returns a reader, or `undefined` where there is no quota
 */
export function openCgroup(root = '/'): (() => CpuThrottling | undefined) | undefined {
  const lines = read(`${root}proc/self/cgroup`)?.split('\n') ?? [];
  for (const line of lines) {
    const [, controllers = '', path = ''] = /^\d+:([^:]*):(.*)$/.exec(line) ?? [];
    const isV2 = controllers === '' && line.startsWith('0::');
    if (!isV2 && !controllers.split(',').includes('cpu')) continue;
    const mount = isV2 ? `${root}sys/fs/cgroup` : mountV1(root, controllers);
    const directory = upwards(path).find((one) => hasQuota(mount + one, isV2));
    if (directory !== undefined) return () => readThrottling(`${mount}${directory}/cpu.stat`);
  }
  return undefined;
}

/**
 * A path and those above it, up to the mount: a quota holds for all that is below. Inside a container the path
 * may be the host's, of which nothing but the mount is there.
 */
function upwards(path: string): string[] {
  const names = path.split('/').filter((name) => name !== '');
  return [...names.map((_, i) => `/${names.slice(0, names.length - i).join('/')}`), ''];
}

function mountV1(root: string, controllers: string): string {
  const named = `${root}sys/fs/cgroup/${controllers}`;
  return existsSync(named) ? named : `${root}sys/fs/cgroup/cpu`;
}

function hasQuota(directory: string, isV2: boolean): boolean {
  const quota = isV2 ? read(`${directory}/cpu.max`)?.split(' ')[0] : read(`${directory}/cpu.cfs_quota_us`);
  return quota !== undefined && quota.trim() !== 'max' && Number(quota) > 0;
}

function readThrottling(file: string): CpuThrottling | undefined {
  const stat = new Map(
    read(file)
      ?.split('\n')
      .map((line) => line.split(' ') as [string, string]),
  );
  const number = (key: string): number => Number(stat.get(key) ?? Number.NaN);
  if (!stat.has('nr_periods')) return undefined;
  return {
    periods: number('nr_periods'),
    throttledPeriods: number('nr_throttled'),
    // Version 2 counts microseconds, version 1 nanoseconds.
    throttledSeconds: stat.has('throttled_usec')
      ? number('throttled_usec') / 1e6
      : number('throttled_time') / 1e9,
  };
}
