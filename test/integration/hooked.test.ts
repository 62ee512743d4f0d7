import { afterEach, expect, it } from 'vitest';
import { killChildren, startChild } from '../support/child.js';

afterEach(killChildren);

interface Seen {
  readonly idleTypes: string[];
  readonly active: string[];
  readonly frames: number;
  readonly longestLine: number;
}

it("the app's own hooks and lists see little of it, and no frame stands on a long line", async () => {
  const app = startChild('hooked.mjs');
  const seen = await app.message<Seen>('seen');
  // The app's one timer; a pipe is its channel to the test. The marker, in the round after a turn that idled.
  expect(seen.active.filter((name) => !name.startsWith('Pipe') && name !== 'Immediate')).toEqual(['Timeout']);
  // The beats; and a call to the sidecar when a new type of resource has come up.
  expect(['Immediate', 'PROMISE', 'Timeout']).toEqual(expect.arrayContaining(seen.idleTypes));
  // Tools print the source line of a frame: the sidecar's program is on none.
  expect(seen.frames).toBeGreaterThan(10);
  expect(seen.longestLine).toBeLessThan(200);
  expect(await app.exit).toMatchObject({ code: 0 });
});
