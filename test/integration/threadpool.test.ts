import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Child, eventually, killChildren, NODE_MAJOR, startChild } from '../support/child.js';
import { type Scrape, scrape } from '../support/scrape.js';

let home: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'watchdog-threadpool-'));
});
afterEach(async () => {
  await killChildren();
  rmSync(home, { recursive: true, force: true });
});

const SIZE = 'watchdog_threadpool_size';
const BUSY = 'watchdog_threadpool_busy_threads';
const PENDING = 'watchdog_threadpool_probe_pending_seconds';
const COUNT = 'watchdog_threadpool_queue_delay_seconds_count';
const SUM = 'watchdog_threadpool_queue_delay_seconds_sum';

const TELLS_BUSY = process.platform === 'linux' && NODE_MAJOR >= 22;

async function startApp(size: number): Promise<{ app: Child; url: string; idle: Scrape }> {
  const env = { UV_THREADPOOL_SIZE: String(size) };
  const app = startChild('threadpool.mjs', { env, args: [join(home, 'pipe')] });
  const { url } = await app.message<{ url: string }>('ready');
  const idle = await until(url, (one) => one.value(COUNT) >= 1, 'a probe has come back');
  return { app, url, idle };
}

const until = (url: string, holds: (one: Scrape) => boolean, what: string): Promise<Scrape> =>
  eventually(async () => {
    const one = await scrape(url);
    return holds(one) ? one : undefined;
  }, what);

describe("libuv's pool", () => {
  it.runIf(process.platform === 'linux')(
    'full of threads that wait, while the main thread is frozen: seen live',
    async () => {
      const { app, url, idle } = await startApp(3);
      expect(idle.value(SIZE)).toBe(3);
      expect(idle.has(BUSY)).toBe(TELLS_BUSY);
      app.send({ deed: 'wait', value: 2 });
      await app.message('done');
      if (TELLS_BUSY) await until(url, (one) => one.value(BUSY) === 2, 'two threads wait');

      // One is free: probes come back.
      const before = (await scrape(url)).value(COUNT);
      await until(url, (one) => one.value(COUNT) > before, 'probes come back');
      app.send({ deed: 'hold' });
      await until(url, (one) => one.value('watchdog_eventloop_lag_seconds{thread="main"}') > 1, 'frozen');
      if (TELLS_BUSY) expect((await scrape(url)).value(BUSY)).toBe(2);
      app.release();
      await app.message('done');
    },
  );

  it.runIf(process.platform === 'linux')(
    'a probe waits as long as all threads do, one at a time, and then counts for all that it kept back',
    async () => {
      const { app, url } = await startApp(2);
      app.send({ deed: 'wait', value: 2 });
      await app.message('done');
      const full = await until(url, (one) => one.value(PENDING) > 2, 'a probe waits');
      if (TELLS_BUSY) expect(full.value(BUSY)).toBe(2);
      // Nothing new is sent meanwhile.
      expect((await scrape(url)).value(COUNT)).toBe(full.value(COUNT));
      const waited = (await scrape(url)).value(PENDING);
      app.send({ deed: 'release' });
      const after = await until(url, (one) => one.value(COUNT) > full.value(COUNT), 'it comes back');
      // It waited over 2 s, the one a second later would have waited over 1 s.
      expect(after.value(COUNT) - full.value(COUNT)).toBeGreaterThanOrEqual(Math.ceil(waited));
      expect(after.value(SUM) - full.value(SUM)).toBeGreaterThanOrEqual(waited + (waited - 1));
      expect(after.value('watchdog_threadpool_queue_delay_seconds_bucket{le="1"}')).toBeLessThan(
        after.value(COUNT),
      );
    },
  );

  it('queueing for pbkdf2: the probe waits about as long as a task would', async () => {
    const { app, url } = await startApp(1);
    const before = await scrape(url);
    app.send({ deed: 'work', value: 12 });
    if (TELLS_BUSY) await until(url, (one) => one.value(BUSY) === 1, 'it works');
    const pending = await until(url, (one) => one.value(PENDING) > 0.2, 'a probe waits');
    const askedAt = Date.now();
    const workedAt = await app.message<number>('worked');
    const after = await until(url, (one) => one.value(PENDING) === 0, 'it has come back');
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
    await until(
      url,
      (one) => one.value('watchdog_eventloop_turns_total{thread="main"}') > 5,
      'the loop turns',
    );
    app.send({ deed: 'use', value: '7' });
    expect(await app.message<number>('made')).toBe(7);
    await until(url, (one) => one.value(COUNT) >= 1, 'now it is probed');
  },
);
