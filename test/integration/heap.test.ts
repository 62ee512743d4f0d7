import { afterEach, expect, it } from 'vitest';
import { killChildren, startChild } from '../support/child.js';

afterEach(killChildren);

/** As in the fixture. */
const NOISE_BYTES = 64;

it('no call of the public ones leaves anything in memory', async () => {
  const app = startChild('heap.mjs', { nodeArgs: ['--expose-gc'] });
  const left = await app.message<Record<string, number>>('left');
  for (const [name, bytes] of Object.entries(left)) expect(bytes, name).toBeLessThan(NOISE_BYTES);
});
