import { expect, it } from 'vitest';
import { offsetBetween } from '../../../../src/shared/clock.js';

it.each([1, 2, 7, 40])('the offset of a clock is right though the CPU is lost at read %s', (lostAt) => {
  let trueMs = 1000;
  let reads = 0;
  const read = (): number => {
    trueMs += 0.00005;
    if (++reads % 48 === lostAt) trueMs += 63;
    return trueMs;
  };
  const offset = offsetBetween(
    () => read() - 900,
    () => read(),
  );
  expect(offset).toBeCloseTo(900, 3);
});
