import { PerformanceObserver } from 'node:perf_hooks';
import { CLOCK_OFFSET_MS } from '../shared/clock.js';
import { GC, GC_RING_SIZE } from '../shared/layout.js';
import { locked, openWriter } from '../shared/regions.js';

/**
 * Collections share an index as one block while no more than this was between them in all: there may be
 * hundreds a second. With more, some would be moved out of the stall to which they belong, or into another.
 */
const BETWEEN_MS = 10;

interface Collection {
  readonly startTime: number;
  readonly duration: number;
}

/** Writes collections down, in the order in which they were made. */
export function openGcNotes(memory: SharedArrayBuffer): (collections: readonly Collection[]) => void {
  const { at, values, sequence } = openWriter('loop', GC, memory);
  let windows = 0;
  let fromMs = Number.NEGATIVE_INFINITY;
  let tookMs = 0;
  return (collections) =>
    locked(sequence, () => {
      for (const { startTime, duration } of collections) {
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

/** Notes garbage collections, so that a stall can be told to be one. Returns a function that ends it. */
export function startGcNotes(memory: SharedArrayBuffer): () => void {
  const note = openGcNotes(memory);
  // All entries: after a stall they come in a batch.
  const observer = new PerformanceObserver((list) => note(list.getEntries()));
  observer.observe({ entryTypes: ['gc'] });
  return () => observer.disconnect();
}
