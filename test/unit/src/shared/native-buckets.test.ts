import fc from 'fast-check';
import { expect, it } from 'vitest';
import {
  NATIVE_BUCKETS,
  NATIVE_LOWER_MS,
  NATIVE_ZERO_MS,
  nativeSlotOf,
} from '../../../../src/shared/native-buckets.js';

it('each value lies in its bucket, the lower bound not included', () => {
  fc.assert(
    fc.property(fc.double({ min: NATIVE_ZERO_MS, max: 2e6, noNaN: true, minExcluded: true }), (ms) => {
      const slot = nativeSlotOf(ms);
      // But for the last digit.
      const off = 1 + 1e-12;
      expect(ms * off).toBeGreaterThan(NATIVE_LOWER_MS[slot] as number);
      expect(ms).toBeLessThanOrEqual((NATIVE_LOWER_MS[slot + 1] ?? Number.POSITIVE_INFINITY) * off);
    }),
  );
});

it('what is longer than all counts in the last, what is shorter in the first', () => {
  expect(nativeSlotOf(1e12)).toBe(NATIVE_BUCKETS - 1);
  expect(nativeSlotOf(0.001)).toBe(0);
  expect(NATIVE_LOWER_MS[0]).toBe(NATIVE_ZERO_MS);
  expect(NATIVE_LOWER_MS[80]).toBe(1000);
});
