import { afterEach, expect, it } from 'vitest';
import { killChildren, startChild } from './child.js';
import { scrape } from './scrape.js';

afterEach(killChildren);

it('two holds with idling between are two, whatever the heartbeat', async () => {
  const app = startChild('split-holds.mjs');
  const { url } = await app.message<{ url: string }>('ready');
  const truth = await app.message<number>('heldSeconds');
  const one = await scrape(url);
  const stalls = [...one.family('watchdog_stalls_total').values()].reduce((sum, value) => sum + value, 0);
  const sum = one.value('watchdog_eventloop_delay_seconds_sum{thread="main"}');
  // A busy machine makes holds longer, and true stalls; together they would be 4 times as much.
  console.log(`delay sum ${sum.toFixed(2)}, truth ${truth.toFixed(2)}, stalls ${stalls}`);
  expect(stalls).toBe(0);
  expect(Math.abs(sum / truth - 1)).toBeLessThan(0.05);
  app.send({ end: true });
  await app.exit;
});
