import { NATIVE_BUCKETS, NATIVE_LOWER_MS } from '../../src/shared/native-buckets.js';
import type { LoopLedger } from '../counters.js';

/** The exact delays of a loop so far: how many virtual arrivals, one a millisecond, are in each native bucket. */
export interface Delays {
  readonly counts: Readonly<Float64Array>;
  /** Those that waited for less than the first says. */
  readonly zero: number;
  /** All of them. */
  readonly total: number;
}

/** Before the loop's first turn all are zero. */
export const delaysOf = (ledger: LoopLedger): Delays => ({
  counts: ledger.row('nativeDelay'),
  zero: ledger.get('nativeDelayZero'),
  total: ledger.get('delayCount'),
});

/** Where the last bucket ends; what is longer counts in it. */
const LAST_UPPER_MS = 1000 * 2 ** 10;

/**
 * The delay, in milliseconds, that the part `q` of all arrivals between two moments did not exceed, interpolated
 * within its bucket: as a turn's arrivals wait uniformly, evenly. 0 stands for less than 1 ms; NaN if there was no
 * arrival.
 */
export function quantileMs(q: number, from: Delays, to: Delays): number {
  const total = to.total - from.total;
  if (!(total > 0)) return Number.NaN;
  let left = q * total - (to.zero - from.zero);
  let highestMs = 0;
  for (let slot = 0; slot < NATIVE_BUCKETS && left > 0; slot++) {
    const count = (to.counts[slot] as number) - (from.counts[slot] as number);
    if (count <= 0) continue;
    const lowerMs = NATIVE_LOWER_MS[slot] as number;
    const upperMs = NATIVE_LOWER_MS[slot + 1] ?? LAST_UPPER_MS;
    highestMs = lowerMs + (upperMs - lowerMs) * Math.min(1, left / count);
    left -= count;
  }
  return highestMs;
}
