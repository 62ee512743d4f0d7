import { GC_RING_SIZE, type GcValues } from '../../src/shared/layout.js';

/** For how many milliseconds a thread collected garbage between two moments, by the clock. */
export type Collecting = (fromMs: number, toMs: number) => number;

export const collectingIn =
  (gc: GcValues): Collecting =>
  (fromMs, toMs) =>
    collectingBetween(fromMs, toMs, gc, () => 0);

/**
 * For how long a thread collected garbage between two moments: in a batch that follows a stall there may be
 * many. What the ring has forgotten of a long stretch is taken to have been like the rest.
 * @param suspendedBetween how much of a time the process stood still: collections are timed by the clock
 */
export function collectingBetween(
  fromMs: number,
  toMs: number,
  gc: GcValues,
  suspendedBetween: (fromMs: number, toMs: number) => number,
): number {
  const collectedMs = gc.startMs.reduce((sum, startMs, index) => {
    const sinceMs = Math.max(startMs, fromMs);
    const untilMs = Math.min(startMs + (gc.durationMs[index] as number), toMs);
    return untilMs > sinceMs ? sum + untilMs - sinceMs - suspendedBetween(sinceMs, untilMs) : sum;
  }, 0);
  if (gc.windows <= GC_RING_SIZE) return collectedMs;
  const oldestMs = gc.startMs[gc.windows % GC_RING_SIZE] as number;
  const knownMs = toMs - Math.max(fromMs, oldestMs);
  return knownMs > 0 ? (collectedMs * (toMs - fromMs)) / knownMs : 0;
}
