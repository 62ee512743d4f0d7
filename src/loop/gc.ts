import { constants, PerformanceObserver } from 'node:perf_hooks';
import { CLOCK_OFFSET_MS } from '../shared/clock.js';
import { GC_KINDS } from '../shared/labels.js';
import { GC, GC_BOUNDS_MS, GC_RING_SIZE } from '../shared/layout.js';
import { locked, openWriter } from '../shared/regions.js';

/**
 * Collections share an index as one block while no more than this was between them in all: there may be
 * hundreds a second. With more, some would be moved out of the stall to which they belong, or into another.
 */
const BETWEEN_MS = 10;

/** V8's collections of the young generation alone that mark and sweep; `node:perf_hooks` has no name for it. */
const MINOR_MARK_SWEEP = 2;
const KINDS: ReadonlyMap<number | undefined, (typeof GC_KINDS)[number]> = new Map([
  [constants.NODE_PERFORMANCE_GC_MINOR, 'minor'],
  [MINOR_MARK_SWEEP, 'minor'],
  [constants.NODE_PERFORMANCE_GC_MAJOR, 'major'],
  [constants.NODE_PERFORMANCE_GC_INCREMENTAL, 'incremental'],
  [constants.NODE_PERFORMANCE_GC_WEAKCB, 'weakcb'],
]);

interface Collection {
  readonly startTime: number;
  readonly duration: number;
  /** As `node:perf_hooks` has them. */
  readonly detail?: unknown;
}

const kindOf = ({ detail }: Collection): (typeof GC_KINDS)[number] | undefined =>
  KINDS.get((detail as { readonly kind?: number } | undefined)?.kind);

/** Writes collections down, in the order in which they were made. */
export function openGcNotes(memory: SharedArrayBuffer): (collections: readonly Collection[]) => void {
  const { at, values, sequence } = openWriter('loop', GC, memory);
  let windows = 0;
  let fromMs = Number.NEGATIVE_INFINITY;
  let tookMs = 0;

  function count(collection: Collection): void {
    const kind = GC_KINDS.indexOf(kindOf(collection) as (typeof GC_KINDS)[number]);
    if (kind < 0) return;
    const { duration } = collection;
    values[at.counts + kind] = (values[at.counts + kind] as number) + 1;
    values[at.sumsMs + kind] = (values[at.sumsMs + kind] as number) + duration;
    const bound = GC_BOUNDS_MS.findIndex((ms) => duration <= ms);
    if (bound < 0) return;
    const bucket = at.buckets + kind * GC_BOUNDS_MS.length + bound;
    values[bucket] = (values[bucket] as number) + 1;
  }

  return (collections) =>
    locked(sequence, () => {
      for (const collection of collections) {
        const { startTime, duration } = collection;
        count(collection);
        if (startTime - fromMs - tookMs > BETWEEN_MS) {
          fromMs = startTime;
          tookMs = 0;
          windows++;
        }
        tookMs += duration;
        const index = (windows - 1) % GC_RING_SIZE;
        values[at.startMs + index] = fromMs + CLOCK_OFFSET_MS;
        values[at.durationMs + index] = tookMs;
      }
      values[at.windows] = windows;
    });
}

/**
 * Notes garbage collections, so that a stall can be told to be one. Returns a function that ends it.
 * @param onFull called when there was one of the whole heap
 */
export function startGcNotes(memory: SharedArrayBuffer, onFull: () => void): () => void {
  const note = openGcNotes(memory);
  const observer = new PerformanceObserver((list) => {
    // All entries: after a stall they come in a batch.
    const collections = list.getEntries();
    note(collections);
    if (collections.some((one) => kindOf(one) === 'major')) onFull();
  });
  observer.observe({ entryTypes: ['gc'] });
  return () => observer.disconnect();
}
