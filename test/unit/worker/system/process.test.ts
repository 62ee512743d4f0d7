import { closeSync, openSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parseMaxFds, parseStatus, readProcess } from '../../../../worker/system/process.js';

describe('/proc/self/status', () => {
  it('has the memory in kibibytes', () => {
    const status = 'Name:\tnode\nVmPeak:\t  900 kB\nVmSize:\t  800 kB\nVmHWM:\t 90 kB\nVmRSS:\t      80 kB\n';
    expect(parseStatus(status)).toEqual({ residentBytes: 80 * 1024, virtualBytes: 800 * 1024 });
  });

  it.each([
    ['nothing', ''],
    // A name is the app's; the kernel escapes its newlines.
    ['a name that looks like a line', 'Name:\tVmRSS: 1 kB\\nVmSize: 1 kB\n'],
    ['another unit', 'VmRSS:\t80 mB\nVmSize:\t800\n'],
    ['no number', 'VmRSS:\t-80 kB\nVmSize:\t0x10 kB\n'],
    ['a cut', 'VmRSS:\t8'],
  ])('with %s tells nothing', (_, status) => {
    expect(parseStatus(status)).toEqual({ residentBytes: undefined, virtualBytes: undefined });
  });
});

describe('/proc/self/limits', () => {
  const line = (soft: string): string =>
    'Limit                     Soft Limit           Hard Limit           Units     \n' +
    'Max processes             95                   95                   processes \n' +
    `Max open files            ${soft.padEnd(20)} 1048576              files     \n`;

  it.each([
    [line('1024'), 1024],
    [line('unlimited'), undefined],
    [line('-1'), undefined],
    ['Max open files', undefined],
    ['Max open files 12', undefined],
    ['', undefined],
  ])('%j: %s', (limits, expected) => {
    expect(parseMaxFds(limits)).toBe(expected);
  });
});

it.skipIf(process.platform !== 'linux')('what is read is of this process', () => {
  const before = readProcess();
  const files = Array.from({ length: 20 }, () => openSync('/dev/null', 'r'));
  const after = readProcess();
  for (const file of files) closeSync(file);
  // Others open and close theirs meanwhile.
  expect(Math.abs((after.openFds as number) - (before.openFds as number) - 20)).toBeLessThan(10);
  expect(after.maxFds).toBeGreaterThan(20);
  expect(after.residentBytes).toBeGreaterThan(10 * 2 ** 20);
  expect(after.virtualBytes).toBeGreaterThan(after.residentBytes as number);
  expect(after.userSeconds).toBeGreaterThan(0);
});
