import { afterEach, expect, it } from 'vitest';
import { type Child, killChildren, stallOver, startApp, startChild } from '../support/child.js';
import { eventually } from '../support/eventually.js';
import { LAG, type Scrape, scrape } from '../support/scrape.js';

afterEach(killChildren);

const stallSeconds = (one: Scrape): number => one.sum('watchdog_stall_seconds_total');
const stalls = (one: Scrape): number => one.sum('watchdog_stalls_total');

async function block(app: Child, deed: string, ms?: number): Promise<void> {
  app.send({ deed, value: ms });
  await app.message('begun');
}

it('answers a hundred scrapes while main is blocked for ten seconds, the lag rising each time', async () => {
  const { app, url } = await startApp('app.mjs');
  await block(app, 'holdBusy');
  await eventually(async () => (await scrape(url)).value(LAG) > 0.1 || undefined, 'the block begins');
  const lags: number[] = [];
  const seconds: number[] = [];
  for (let i = 0; i < 100; i++) {
    const one = await scrape(url);
    lags.push(one.value(LAG));
    seconds.push(stallSeconds(one));
    await new Promise((resolve) => setTimeout(resolve, 40));
  }
  expect(lags).toHaveLength(100);
  for (let i = 1; i < 100; i++) {
    expect(lags[i]).toBeGreaterThan(lags[i - 1] as number);
    expect(seconds[i]).toBeGreaterThan(seconds[i - 1] as number);
  }
  await eventually(async () => (await scrape(url)).value(LAG) > 10 || undefined, 'ten seconds');
  app.release();
  expect(await stallOver(app, 10_000)).toMatchObject({
    thread: 'main',
    id: expect.stringMatching(/^\d+-[0-9a-z]+-\d+$/),
  });
  const after = await eventually(async () => {
    const one = await scrape(url);
    return one.value(LAG) < 0.1 ? one : undefined;
  }, 'the lag is gone');
  expect(stalls(after)).toBeGreaterThanOrEqual(1);
  expect(stallSeconds(after)).toBeGreaterThanOrEqual(10);
  expect(after.value('watchdog_eventloop_lag_max_seconds{thread="main"}')).toBeGreaterThanOrEqual(10);
  expect(after.value('watchdog_eventloop_delay_seconds_sum{thread="main"}')).toBeGreaterThanOrEqual(
    50_000 * 0.999,
  );
});

it('sees a main thread that sleeps in a system call as well as one that computes', async () => {
  const { app, url } = await startApp('app.mjs');
  await block(app, 'holdAsleep');
  await eventually(async () => (await scrape(url)).value(LAG) > 1 || undefined, 'the lag grows');
  app.release();
  await stallOver(app, 1000);
});

it('boots and serves while main is blocked from the start', async () => {
  const app = startChild('blocked-from-the-start.mjs');
  const port = await app.message<number>('port');
  const url = `http://127.0.0.1:${port}`;
  const one = await eventually(() => scrape(url), 'the sidecar serves');
  expect(one.value('watchdog_startup_seconds')).toBeGreaterThan(0);
  expect(one.has(LAG)).toBe(false);
  app.release();
  expect(await app.message('ready')).toBe(port);
});

it('counts known long work as loop time but not as a stall', async () => {
  const { app, url } = await startApp('app.mjs');
  for (const deed of ['pause', 'pauseAsync']) {
    await block(app, deed, 1500);
    await app.message('done');
  }
  await block(app, 'spin', 300);
  const stall = await app.message<{ durationMs: number }>('stall');
  expect(stall.durationMs).toBeLessThan(1500);
  const one = await scrape(url);
  expect(one.value('watchdog_eventloop_lag_max_seconds{thread="main"}')).toBeGreaterThanOrEqual(1.5);
  expect(one.value('watchdog_eventloop_time_seconds_total{thread="main",state="active"}')).toBeGreaterThan(
    3.3,
  );
});

it('never lets a counter go back', async () => {
  const { app, url } = await startApp('app.mjs', { heartbeatInterval: 50 });
  const counters = (one: Scrape): [string, number][] =>
    [...one.series].filter(([series]) => /^[a-z_]+(_total|_bucket|_sum|_count)({|$)/.test(series));
  let last = new Map<string, number>();
  for (let round = 0; round < 12; round++) {
    await block(app, 'spin', 20 + 37 * round);
    for (let i = 0; i < 12; i++) {
      const now = counters(await scrape(url));
      for (const [series, value] of now) expect(value, series).toBeGreaterThanOrEqual(last.get(series) ?? 0);
      last = new Map(now);
    }
    await app.message('done');
  }
});
