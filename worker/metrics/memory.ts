import { GC_KINDS } from '../../src/shared/labels.js';
import { GC_BOUNDS_MS, type HeapValues } from '../../src/shared/layout.js';
import type { LoopView } from '../loops/loop.js';
import { type Definition, type Family, family, histogramSamples, type Sample } from './family.js';
import type { Sources } from './sources.js';

export const MEMORY = {
  limit: {
    name: 'watchdog_heap_limit_bytes',
    type: 'gauge',
    labels: ['thread'],
    help: 'What JavaScript objects may take before V8 ends the process, or the thread: --max-old-space-size (or its percentage) or resourceLimits if set, else heap_size_limit.',
  },
  used: {
    name: 'watchdog_heap_used_bytes',
    type: 'gauge',
    labels: ['thread'],
    help: 'What objects take of the heap, garbage included; as of the last heartbeat.',
  },
  survived: {
    name: 'watchdog_heap_used_after_gc_bytes',
    type: 'gauge',
    labels: ['thread'],
    help: 'What was in use after the last full collection, at most; absent before the first.',
  },
  saturation: {
    name: 'watchdog_heap_saturation_ratio',
    type: 'gauge',
    labels: ['thread'],
    help: 'What was in use after the last full collection divided by the limit; absent before the first.',
  },
  gc: {
    name: 'watchdog_gc_duration_seconds',
    type: 'histogram',
    labels: ['thread', 'kind'],
    help: 'Garbage collections by kind, and how long they held the thread; known when the turn in which they were is over.',
  },
} as const;

export function collectMemory({ loops }: Sources): Family[] {
  // The first look at a heap comes with the first beat.
  const known = loops.filter(({ stats, heap }) => stats.loopStartedAtMs > 0 && heap.limitBytes > 0);
  const each = (definition: Definition, value: (heap: HeapValues) => number | undefined): Family =>
    family(
      definition,
      known.map(({ labels, heap }) => ({ labels, value: value(heap) })),
    );
  return [
    each(MEMORY.limit, (heap) => heap.limitBytes),
    each(MEMORY.used, (heap) => heap.usedBytes),
    each(MEMORY.survived, (heap) => heap.survivedBytes || undefined),
    each(MEMORY.saturation, (heap) => heap.survivedBytes / heap.limitBytes || undefined),
    family(MEMORY.gc, loops.filter(({ stats }) => stats.loopStartedAtMs > 0).flatMap(gcSamples)),
  ];
}

function gcSamples({ labels, gc }: LoopView): Sample[] {
  return GC_KINDS.flatMap((kind, k) => {
    let below = 0;
    const buckets = GC_BOUNDS_MS.map((_, i) => {
      below += gc.buckets[k * GC_BOUNDS_MS.length + i] as number;
      return below;
    });
    const [sum, count] = [(gc.sumsMs[k] as number) / 1000, gc.counts[k] as number];
    return histogramSamples({ ...labels, kind }, GC_BOUNDS_MS, buckets, sum, count);
  });
}
