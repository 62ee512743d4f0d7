/**
 * The buckets of native histograms. Prometheus' schema 3 has eight to each doubling: a bound is at most 9.1 %
 * above the one before, and a quantile that is interpolated between two of them is off by less.
 */
export const NATIVE_SCHEMA = 3;
const PER_DOUBLING: number = 2 ** NATIVE_SCHEMA;

/** Buckets that are kept: from 2^-10 s to 2^10 s, 17 minutes; what is longer counts in the last. */
export const NATIVE_BUCKETS = 160;
/** Prometheus' index of the first: the bucket of index i ends at 2^(i / 8) seconds. */
export const NATIVE_FIRST_INDEX: number = 1 - NATIVE_BUCKETS / 2;

/** Up to this, some 0.98 ms, a value is zero: where the first bucket begins. */
export const NATIVE_ZERO_MS: number = lowerBoundMs(0);

/** Where each bucket begins. */
export const NATIVE_LOWER_MS: readonly number[] = Array.from({ length: NATIVE_BUCKETS }, (_, slot) =>
  lowerBoundMs(slot),
);

function lowerBoundMs(slot: number): number {
  return 1000 * 2 ** ((NATIVE_FIRST_INDEX - 1 + slot) / PER_DOUBLING);
}

const LOG2_FIRST: number = Math.log2(NATIVE_ZERO_MS);

/** The bucket of a value above {@link NATIVE_ZERO_MS}, from 0. */
export function nativeSlotOf(ms: number): number {
  const slot = Math.ceil((Math.log2(ms) - LOG2_FIRST) * PER_DOUBLING) - 1;
  if (slot < 0) return 0;
  return slot < NATIVE_BUCKETS ? slot : NATIVE_BUCKETS - 1;
}
