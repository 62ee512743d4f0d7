import { afterEach, expect, it } from 'vitest';
import { killChildren, startChild } from '../support/child.js';

afterEach(killChildren);

it('two holds with idling between are two, and no stall, whatever the heartbeat', async () => {
  const app = startChild('split-holds.mjs', { args: ['pairs', '10'] });
  expect(await app.message('result')).toEqual({ pairs: 10, wrong: [] });
});
