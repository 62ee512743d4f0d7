import { expect, it } from 'vitest';
import { bytes, duration, percent } from '../../../../src/shared/figures.js';

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

it('sizes are told in KiB or MiB, shares in whole per cent', () => {
  expect([0, 900 * 1024, 2 ** 20, 182.4 * 2 ** 20].map(bytes)).toEqual([
    '0 KiB',
    '900 KiB',
    '1.0 MiB',
    '182 MiB',
  ]);
  expect([0, 0.024, 1].map(percent)).toEqual(['0 %', '2 %', '100 %']);
});
