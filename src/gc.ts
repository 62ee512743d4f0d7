import { PerformanceObserver } from 'node:perf_hooks';
import { CLOCK_OFFSET_MS } from './shared/clock.js';
import { GC, GC_RING_SIZE, locked, openWriter } from './shared/layout.js';

/** Collections that begin within one window share a place: there may be hundreds a second. */
const WINDOW_MS = 100;

/** Notes garbage collections, so that a stall can be told to be one. Returns a function that ends it. */
export function startGcNotes(memory: SharedArrayBuffer): () => void {
  const { at, values, sequence } = openWriter('loop', GC, memory);
  let windows = 0;
  let windowEndMs = Number.NEGATIVE_INFINITY;
  const observer = new PerformanceObserver((list) => {
    locked(sequence, () => {
      // All entries: after a stall they come in a batch.
      for (const { startTime, duration } of list.getEntries()) {
        if (startTime >= windowEndMs) {
          windowEndMs = startTime + WINDOW_MS;
          const place = windows++ % GC_RING_SIZE;
          values[at.startMs + place] = startTime + CLOCK_OFFSET_MS;
          values[at.durationMs + place] = 0;
        }
        const place = at.durationMs + ((windows - 1) % GC_RING_SIZE);
        values[place] = (values[place] as number) + duration;
      }
      values[at.windows] = windows;
    });
  });
  observer.observe({ entryTypes: ['gc'] });
  return () => observer.disconnect();
}
