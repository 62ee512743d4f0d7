import { Worker } from 'node:worker_threads';
import { expect, it } from 'vitest';
import { LOOP_STATS, POOL } from '../../../../src/shared/layout.js';
import { allocate, openReader, openWriter } from '../../../../src/shared/regions.js';

it('a reader never sees half of a write', async () => {
  const memory = allocate(LOOP_STATS);
  const { at } = LOOP_STATS;
  // Writes n to three fields far apart, as fast as it can, under the seqlock.
  const writer = new Worker(
    `const { workerData: { memory, indices } } = require('node:worker_threads');
     const sequence = new Int32Array(memory, 0, 2), values = new Float64Array(memory, 8);
     for (let n = 1; ; n++) {
       Atomics.add(sequence, 0, 1);
       for (const index of indices) values[index] = n;
       Atomics.add(sequence, 0, 1);
     }`,
    { eval: true, workerData: { memory, indices: [at.startedAtMs, at.turns, at.worstMs] } },
  );
  const read = openReader(LOOP_STATS, memory);
  const seen = new Set<number>();
  const torn: unknown[] = [];
  // For as long as it takes: on a busy machine the two seldom run at once.
  while (seen.size < 300) {
    for (let i = 0; i < 500; i++) {
      const { startedAtMs, turns, worstMs } = read();
      if (startedAtMs !== turns || turns !== worstMs[0]) torn.push([startedAtMs, turns, worstMs[0]]);
      seen.add(turns);
    }
    await new Promise((resolve) => setImmediate(resolve));
  }
  await writer.terminate();
  expect(torn).toEqual([]);
});

it('a reader does not hang on a writer that lost its CPU while inside', () => {
  const memory = allocate(POOL);
  const writer = openWriter('main', POOL, memory);
  const read = openReader(POOL, memory);
  writer.values[writer.at.capacity] = 4;
  expect(read().capacity).toBe(4);
  Atomics.add(writer.sequence, 0, 1);
  writer.values[writer.at.capacity] = 5;
  expect(read().capacity).toBe(4);
  Atomics.add(writer.sequence, 0, 1);
  expect(read().capacity).toBe(5);
});

it('refuses memory of another version', () => {
  const memory = allocate(POOL);
  new Int32Array(memory, 0, 2)[1] = 7;
  expect(() => openReader(POOL, memory)).toThrow('another version');
});
