import { expect, it } from 'vitest';
import { configuredLimit } from '../../../../src/loop/heap.js';

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
  ['--max-semi-space-size=4', undefined, Number.POSITIVE_INFINITY],
])(
  'of the flags "%s", and a limit of the thread of %s MiB, the heap has %s bytes',
  (flags, ownMib, bytes) => {
    expect(configuredLimit(flags, ownMib)).toBe(bytes);
  },
);
