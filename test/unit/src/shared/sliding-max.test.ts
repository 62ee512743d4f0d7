import { expect, it } from 'vitest';
import { createSlidingMax } from '../../../../src/shared/sliding-max.js';

it('a sliding maximum forgets after its window and never before', () => {
  const max = createSlidingMax(60);
  max.add(10_500, 7);
  max.add(10_600, 3);
  max.add(50_000, 5);
  expect(max.max(69_000)).toBe(7);
  expect(max.max(71_000)).toBe(5);
  expect(max.max(200_000)).toBe(0);
});
