import { constants } from 'node:perf_hooks';
import { expect, it } from 'vitest';
import { openGcNotes } from '../../../../src/loop/gc.js';
import { GC_KINDS } from '../../../../src/shared/labels.js';
import { GC, GC_BOUNDS_MS } from '../../../../src/shared/layout.js';
import { allocate, openReader } from '../../../../src/shared/regions.js';

it('collections are counted by kind, each in the bucket of its length', () => {
  const memory = allocate(GC);
  const note = openGcNotes(memory);
  const of = (kind: number, duration: number) => ({ startTime: 0, duration, detail: { kind, flags: 0 } });
  note([
    of(constants.NODE_PERFORMANCE_GC_MINOR, 0.5),
    of(constants.NODE_PERFORMANCE_GC_MINOR, 1),
    // V8's minor mark-sweep.
    of(2, 3),
    of(constants.NODE_PERFORMANCE_GC_MAJOR, 60_000),
    of(constants.NODE_PERFORMANCE_GC_WEAKCB, 0.1),
  ]);
  // Of a kind that V8 may come to have, and of none: only the stalls see them.
  note([of(4096, 7), { startTime: 0, duration: 7 }]);
  const { counts, sumsMs, buckets } = openReader(GC, memory)();
  expect(GC_KINDS.map((_, i) => [counts[i], sumsMs[i]])).toEqual([
    [3, 4.5],
    [1, 60_000],
    [0, 0],
    [1, 0.1],
  ]);
  const rows = GC_KINDS.map((_, i) => [
    ...buckets.slice(i * GC_BOUNDS_MS.length, (i + 1) * GC_BOUNDS_MS.length),
  ]);
  expect(rows).toEqual([
    [2, 1, 0, 0, 0, 0],
    [0, 0, 0, 0, 0, 0],
    [0, 0, 0, 0, 0, 0],
    [1, 0, 0, 0, 0, 0],
  ]);
});
