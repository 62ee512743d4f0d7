import { NATIVE_BUCKETS, NATIVE_LOWER_MS } from '../../src/shared/native-buckets.js';
import type { LoopLedger } from '../counters.js';

/** The exact delays of a loop so far: how many virtual arrivals, one a millisecond, are in each native bucket. */
export interface Delays {
  readonly counts: Readonly<Float64Array>;
  readonly zero: number;
}

/** Before the loop's first turn all are zero. */
export const delaysOf = (ledger: LoopLedger): Delays => ({
  counts: ledger.row('nativeDelay'),
  zero: ledger.get('nativeDelayZero'),
});

/** Where the last bucket ends; what is longer counts in it. */
const LAST_UPPER_MS = 1000 * 2 ** 10;
const upperOf = (slot: number): number => NATIVE_LOWER_MS[slot + 1] ?? LAST_UPPER_MS;

/**
 * The delay, in milliseconds, that the part `q` of all arrivals between two moments did not exceed, interpolated
 * within its bucket: as a turn's arrivals wait uniformly, evenly. 0 stands for less than 1 ms;
 * NaN if there was no arrival.
 */
export function quantileMs(q: number, from: Delays, to: Delays): number {
  const between = (slot: number): number => (to.counts[slot] as number) - (from.counts[slot] as number);
  const zero = to.zero - from.zero;
  const total = to.counts.reduce((sum, _count, slot) => sum + between(slot), zero);
  if (!(total > 0)) return Number.NaN;
  let left = q * total - zero;
  if (left <= 0) return 0;
  for (let slot = 0; slot < NATIVE_BUCKETS; slot++) {
    const count = between(slot);
    const lowerMs = NATIVE_LOWER_MS[slot] as number;
    if (left <= count) return lowerMs + ((upperOf(slot) - lowerMs) * left) / count;
    left -= count;
  }
  return LAST_UPPER_MS;
}
