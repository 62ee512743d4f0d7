import { RESOURCE_TYPES_MAX, RESOURCES } from '../shared/layout.js';
import { locked, openWriter } from '../shared/regions.js';

const EVERY_MS = 1000;
/** On a quiet loop, where hardly anything can have changed. */
const QUIET_EVERY_MS = 10_000;
/**
 * Listing takes longer the more resources there are; it may take at most one part in this many of the time.
 */
const BUDGET = 1000;
/**
 * From here on not even that: one list of a million timers holds the loop for 115 to 285 ms. Both together,
 * since a thread that lost its CPU while it listed a few is no reason.
 */
const TOO_LONG_MS = 10;
const TOO_MANY = 10_000;

/**
 * Counts what keeps the loop alive, by type, about once a second; less often while nothing happens, or when
 * there is so much that counting is felt; no more at all, and the series are gone, when it would be a stall
 * of its own.
 * @param announce called with all type names, in order of their places, when a new one appears
 */
export function createResourceSampler(
  memory: SharedArrayBuffer,
  announce: (types: readonly string[]) => void,
): { sample(nowMs: number, quiet: boolean, clock: () => number): void; types(): readonly string[] } {
  const { at, values, sequence } = openWriter('loop', RESOURCES, memory);
  const types: string[] = [];
  const counts = new Float64Array(RESOURCE_TYPES_MAX);
  let lastMs = Number.NEGATIVE_INFINITY;
  let leastMs = 0;

  function indexOf(type: string): number {
    const known = types.indexOf(type);
    if (known >= 0) return known;
    if (types.length === RESOURCE_TYPES_MAX) return RESOURCE_TYPES_MAX - 1;
    types.push(types.length === RESOURCE_TYPES_MAX - 1 ? 'other' : type);
    announce(types);
    return types.length - 1;
  }

  return {
    types: () => types,
    sample(nowMs, quiet, clock) {
      if (nowMs - lastMs < Math.max(quiet ? QUIET_EVERY_MS : EVERY_MS, leastMs)) return;
      counts.fill(0);
      const resources = process.getActiveResourcesInfo();
      for (const type of resources) {
        const index = indexOf(type);
        counts[index] = (counts[index] as number) + 1;
      }
      const tookMs = clock() - nowMs;
      const off = tookMs > TOO_LONG_MS && resources.length > TOO_MANY;
      locked(sequence, () => {
        values[at.countedAtMs] = off ? 0 : nowMs;
        values.set(counts, at.counts);
      });
      lastMs = nowMs;
      leastMs = off ? Number.POSITIVE_INFINITY : tookMs * BUDGET;
    },
  };
}
