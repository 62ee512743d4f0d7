import { GC_RING_SIZE, type GcValues } from '../../src/shared/layout.js';

/**
 * For how long a thread collected garbage between two moments: in a batch that follows a stall there may be many. What the
 * ring has forgotten of a long stretch is taken to have been like the rest.
 */
export function collectingBetween(fromMs: number, toMs: number, gc: GcValues): number {
  const collectedMs = gc.startMs.reduce((sum, startMs, place) => {
    const endMs = startMs + (gc.durationMs[place] as number);
    return sum + Math.max(0, Math.min(endMs, toMs) - Math.max(startMs, fromMs));
  }, 0);
  if (gc.windows <= GC_RING_SIZE) return collectedMs;
  const oldestMs = gc.startMs[gc.windows % GC_RING_SIZE] as number;
  const knownMs = toMs - Math.max(fromMs, oldestMs);
  return knownMs > 0 ? (collectedMs * (toMs - fromMs)) / knownMs : 0;
}
