import { expect, it } from 'vitest';
import { BYTES, CPUS, MILLISECONDS, TASKS } from '../../../../worker/page/charts/scales.js';
import { duration } from '../../../../worker/page/format.js';

it('tells durations with their units', () => {
  expect([0.01, 0.42, 9.96, 342.4, 999.6, 12_340, 59_970, 3_600_000, 90_061_000].map(duration)).toEqual([
    '0 ms',
    '0.4 ms',
    '10 ms',
    '342 ms',
    '1.0 s',
    '12.3 s',
    '1 min 0 s',
    '1 h 0 min',
    '1 d 1 h',
  ]);
});

it('ends axes above what is drawn, at few places', () => {
  for (const [measure, values] of [
    [MILLISECONDS, [0, 5, 1000, 1001, 60_000]],
    [CPUS, [0, 0.2, 1, 1.01, 7]],
    [TASKS, [0, 1, 4, 5, 13, 39, 41, 999]],
    [BYTES, [0, 2 ** 25, 2 ** 25 + 1, 3e9]],
  ] as const) {
    for (const value of values) {
      const top = measure.top(value);
      expect(top).toBeGreaterThanOrEqual(value);
      expect(measure.lines(top).at(-1)).toBe(top);
    }
  }
  expect(BYTES.lines(2 ** 31).map(BYTES.tick)).toEqual(['0 B', '512 MiB', '1 GiB', '1.5 GiB', '2 GiB']);
  // Tasks are whole.
  expect(TASKS.lines(TASKS.top(13))).toEqual([0, 5, 10, 15, 20]);
});
