import { PerformanceObserver } from 'node:perf_hooks';
import { CLOCK_OFFSET_MS } from './shared/clock.js';
import { GC, GC_RING_SIZE, locked, openWriter } from './shared/layout.js';

/** Notes garbage collections, so that a stall can be told to be one. Returns a function that ends it. */
export function startGcNotes(memory: SharedArrayBuffer): () => void {
  const { at, values, sequence } = openWriter('main', GC, memory);
  let collections = 0;
  const observer = new PerformanceObserver((list) => {
    locked(sequence, () => {
      // All entries: after a stall they come in a batch.
      for (const { startTime, duration } of list.getEntries()) {
        const place = collections++ % GC_RING_SIZE;
        values[at.startMs + place] = startTime + CLOCK_OFFSET_MS;
        values[at.durationMs + place] = duration;
      }
      values[at.collections] = collections;
    });
  });
  observer.observe({ entryTypes: ['gc'] });
  return () => observer.disconnect();
}
