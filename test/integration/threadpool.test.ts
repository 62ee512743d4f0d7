import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type App, killChildren, NODE_MAJOR, startApp, startChild } from '../support/child.js';
import { makeHome } from '../support/home.js';
import { type Scrape, scrape, scrapeUntil } from '../support/scrape.js';

let home: string;
beforeEach(() => {
  home = makeHome();
});
afterEach(killChildren);

const SIZE = 'watchdog_threadpool_size';
const BUSY = 'watchdog_threadpool_busy_threads';
const PENDING = 'watchdog_threadpool_probe_pending_seconds';
const COUNT = 'watchdog_threadpool_queue_delay_seconds_count';
const SUM = 'watchdog_threadpool_queue_delay_seconds_sum';

const TELLS_BUSY = process.platform === 'linux' && NODE_MAJOR >= 22;

async function startPool(size: number): Promise<App & { idle: Scrape }> {
  const env = { UV_THREADPOOL_SIZE: String(size) };
  const { app, url } = await startApp('threadpool.mjs', {}, { env, args: [join(home, 'pipe')] });
  const idle = await scrapeUntil(url, 'a probe has come back', (one) => one.value(COUNT) >= 1);
  return { app, url, idle };
}

describe("libuv's pool", () => {
  it.runIf(process.platform === 'linux')(
    'full of threads that wait, while the main thread is frozen: seen live',
    async () => {
      const { app, url, idle } = await startPool(3);
      expect(idle.value(SIZE)).toBe(3);
      expect(idle.has(BUSY)).toBe(TELLS_BUSY);
      app.send({ deed: 'wait', value: 2 });
      await app.message('done');
      if (TELLS_BUSY) await scrapeUntil(url, 'two threads wait', (one) => one.value(BUSY) === 2);

      // One is free: probes come back.
      const before = (await scrape(url)).value(COUNT);
      await scrapeUntil(url, 'probes come back', (one) => one.value(COUNT) > before);
      app.send({ deed: 'hold' });
      await scrapeUntil(
        url,
        'frozen',
        (one) => one.value('watchdog_eventloop_lag_seconds{thread="main"}') > 1,
      );
      if (TELLS_BUSY) expect((await scrape(url)).value(BUSY)).toBe(2);
      app.release();
      await app.message('done');
    },
  );

  it.runIf(process.platform === 'linux')(
    'a probe waits as long as all threads do, one at a time, and then counts for all that it kept back',
    async () => {
      const { app, url } = await startPool(2);
      app.send({ deed: 'wait', value: 2 });
      await app.message('done');
      const full = await scrapeUntil(url, 'a probe waits', (one) => one.value(PENDING) > 2);
      if (TELLS_BUSY) expect(full.value(BUSY)).toBe(2);
      // Nothing new is sent meanwhile.
      expect((await scrape(url)).value(COUNT)).toBe(full.value(COUNT));
      const waited = (await scrape(url)).value(PENDING);
      app.send({ deed: 'release' });
      const after = await scrapeUntil(url, 'it comes back', (one) => one.value(COUNT) > full.value(COUNT));
      // It waited over 2 s, the one a second later would have waited over 1 s.
      expect(after.value(COUNT) - full.value(COUNT)).toBeGreaterThanOrEqual(Math.ceil(waited));
      expect(after.value(SUM) - full.value(SUM)).toBeGreaterThanOrEqual(waited + (waited - 1));
      expect(after.value('watchdog_threadpool_queue_delay_seconds_bucket{le="1"}')).toBeLessThan(
        after.value(COUNT),
      );
    },
  );

  it('queueing for pbkdf2: the probe waits about as long as a task would', async () => {
    const { app, url } = await startPool(1);
    const before = await scrape(url);
    app.send({ deed: 'work', value: 12 });
    if (TELLS_BUSY) await scrapeUntil(url, 'it works', (one) => one.value(BUSY) === 1);
    const pending = await scrapeUntil(url, 'a probe waits', (one) => one.value(PENDING) > 0.2);
    const askedAt = Date.now();
    const workedAt = await app.message<number>('worked');
    const after = await scrapeUntil(url, 'it has come back', (one) => one.value(PENDING) === 0);
    expect(pending.value(SIZE)).toBe(1);
    // It came back after the last task: one at a time, in the order in which they came.
    const waited = pending.value(PENDING) + (workedAt - askedAt) / 1000;
    expect(after.value(SUM) - before.value(SUM)).toBeGreaterThanOrEqual(waited - 0.01);
    expect(after.value(COUNT)).toBeGreaterThan(before.value(COUNT));
  });
});

it.runIf(process.platform === 'linux')(
  'is not made by us: an app may still set its size when its loop turns',
  async () => {
    const app = startChild('late-threadpool.cjs');
    const { url } = await app.message<{ url: string }>('ready');
    // By then the sidecar has looked more than once at a loop that turns.
    await scrapeUntil(
      url,
      'the loop turns',
      (one) => one.value('watchdog_eventloop_turns_total{thread="main"}') > 5,
    );
    app.send({ deed: 'use', value: '7' });
    expect(await app.message<number>('made')).toBe(7);
    await scrapeUntil(url, 'now it is probed', (one) => one.value(COUNT) >= 1);
  },
);
