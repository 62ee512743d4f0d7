import { GC_RING_SIZE, type GcValues } from '../../src/shared/layout.js';

/**
 * For how long a thread collected garbage between two moments: in a batch that follows a stall there may be many. What the
 * ring has forgotten of a long stretch is taken to have been like the rest.
 * @param pausedBetween how much of a time the process stood still: collections are timed by the clock
 */
export function collectingBetween(
  fromMs: number,
  toMs: number,
  gc: GcValues,
  pausedBetween: (fromMs: number, toMs: number) => number,
): number {
  const collectedMs = gc.startMs.reduce((sum, startMs, place) => {
    const sinceMs = Math.max(startMs, fromMs);
    const untilMs = Math.min(startMs + (gc.durationMs[place] as number), toMs);
    return untilMs > sinceMs ? sum + untilMs - sinceMs - pausedBetween(sinceMs, untilMs) : sum;
  }, 0);
  if (gc.windows <= GC_RING_SIZE) return collectedMs;
  const oldestMs = gc.startMs[gc.windows % GC_RING_SIZE] as number;
  const knownMs = toMs - Math.max(fromMs, oldestMs);
  return knownMs > 0 ? (collectedMs * (toMs - fromMs)) / knownMs : 0;
}
