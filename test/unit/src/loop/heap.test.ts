import { expect, it } from 'vitest';
import { configuredLimit, openHeapNotes } from '../../../../src/loop/heap.js';
import { HEAP } from '../../../../src/shared/layout.js';
import { allocate, openReader } from '../../../../src/shared/regions.js';

const MIB = 2 ** 20;

it.each([
  ['', undefined, Number.POSITIVE_INFINITY],
  ['--max-old-space-size=512', undefined, 512 * MIB],
  ['--max_old_space_size=512 --expose-gc', undefined, 512 * MIB],
  ['--require "./a b.js" --max-old-space-size 300', undefined, 300 * MIB],
  // Of NODE_OPTIONS and the command line the later counts.
  ['--max-old-space-size=512 --max-old-space-size=256', undefined, 256 * MIB],
  ['', 64, 64 * MIB],
  ['--max-old-space-size=512', 64, 512 * MIB],
  // To V8 this is the default.
  ['--max-old-space-size=0', undefined, Number.POSITIVE_INFINITY],
  ['--max-old-space-size=many', undefined, Number.POSITIVE_INFINITY],
  ['--max-old-space-size-percentage=37.5', undefined, 750 * MIB],
  ['--max-old-space-size-percentage=10 --max-old-space-size=512', 64, 200 * MIB],
  ['--max-old-space-size-percentage=10 --max-old-space-size-percentage=20', undefined, 400 * MIB],
  ['--max-semi-space-size=4', undefined, Number.POSITIVE_INFINITY],
])(
  'of the flags "%s", and a limit of the thread of %s MiB, the heap has %s bytes',
  (flags, ownMib, bytes) => {
    expect(configuredLimit(flags, ownMib, () => 2001)).toBe(bytes);
  },
);

it('the heap is looked at once a second; what survives is told after a full collection', () => {
  const memory = allocate(HEAP);
  const notes = openHeapNotes(memory, 64 * MIB);
  const read = openReader(HEAP, memory);
  notes.sample(1000);
  const first = read();
  expect(first).toMatchObject({ limitBytes: 64 * MIB, survivedBytes: 0 });
  expect(first.usedBytes).toBeGreaterThan(MIB);
  expect(first.totalBytes).toBeGreaterThanOrEqual(first.usedBytes);
  notes.sample(1500);
  expect(read()).toBe(first);
  notes.collected();
  expect(read().survivedBytes).toBe(read().usedBytes);
  notes.sample(2000);
  expect(read().survivedBytes).toBeLessThanOrEqual(read().usedBytes);
});
