import { expect, it } from 'vitest';
import { bytes, duration, fullness, percent } from '../../../../src/shared/figures.js';

it('durations are as exact as is of use, and told in two units at most', () => {
  const told = [
    [0, '0.0 ms'],
    [9.94, '9.9 ms'],
    [9.96, '10 ms'],
    [999.4, '999 ms'],
    [999.6, '1.0 s'],
    [59_900, '59.9 s'],
    [59_960, '1 min 0 s'],
    [754_000, '12 min 34 s'],
    [3_599_600, '1 h 0 min'],
    [86_399_000, '23 h 59 min'],
    [200_000_000, '2 d 7 h'],
  ] as const;
  expect(told.map(([ms]) => duration(ms))).toEqual(told.map(([, words]) => words));
});

it('sizes are told in the unit that suits them, shares in whole per cent', () => {
  const mib = 2 ** 20;
  expect([0, 999, 900 * 1024, 1000 * 1024, mib, 182.4 * mib, 999.4 * mib, 4144 * mib].map(bytes)).toEqual([
    '0 B',
    '999 B',
    '900 KiB',
    '1.0 MiB',
    '1.0 MiB',
    '182 MiB',
    '999 MiB',
    '4.0 GiB',
  ]);
  expect([0, 0.024, 1].map(percent)).toEqual(['0 %', '2 %', '100 %']);
});

it('of several pools the fullest is the one with most to do for what it can do at once', () => {
  const pools = [
    { name: 'busy', active: 4, capacity: 4 },
    { name: 'overrun', active: 4, capacity: 4, queued: 12 },
    { name: 'calm', active: 1, capacity: 4 },
    { name: 'without limit', active: 300 },
    { name: 'unknown' },
  ];
  expect(pools.map(fullness)).toEqual([1, 4, 0.25, 0, 0]);
});
