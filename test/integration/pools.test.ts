import { afterEach, describe, expect, it } from 'vitest';
import { type Child, eventually, killChildren, startChild } from './child.js';
import { type Scrape, scrape } from './scrape.js';

afterEach(killChildren);

const TWO_THREADS = { minThreads: 2, maxThreads: 2 };

async function startPool(kind: string, sizes: object = TWO_THREADS): Promise<{ app: Child; url: string }> {
  const app = startChild('pools.mjs', { args: [kind, JSON.stringify(sizes)] });
  const { url } = await app.message<{ url: string }>('ready');
  return { app, url };
}

const pool = (one: Scrape, what: string): number => one.value(`watchdog_pool_${what}{pool="images"}`);
/** Scrapes until all of these hold at once. */
const until = (url: string, wanted: Record<string, number>): Promise<Scrape> =>
  eventually(async () => {
    const one = await scrape(url);
    return Object.entries(wanted).every(([what, value]) => pool(one, what) === value) ? one : undefined;
  }, JSON.stringify(wanted));

describe.each(['piscina5', 'piscina4'])('%s', (kind) => {
  it('shows size, load, queue and times', async () => {
    const { app, url } = await startPool(kind, { ...TWO_THREADS, concurrentTasksPerWorker: 1, maxQueue: 50 });
    await until(url, { capacity: 2, threads: 2, active: 0, queue_size: 0, queue_limit: 50 });
    app.send({ deed: 'run', value: [400, 400, 400, 400, 400] });
    const busy = await until(url, { active: 2, queue_size: 3, saturation_ratio: 1 });
    expect(pool(busy, 'tasks_completed_total')).toBe(0);
    for (let i = 0; i < 5; i++) await app.message('ran');
    const done = await until(url, { active: 0, queue_size: 0, tasks_completed_total: 5 });
    const timed = await eventually(async () => {
      const one = await scrape(url);
      return one.value('watchdog_pool_task_run_seconds_count{pool="images"}') === 5 ? one : undefined;
    }, 'the times');
    expect(timed.value('watchdog_pool_task_run_seconds_sum{pool="images"}')).toBeGreaterThanOrEqual(5 * 0.39);
    // 0, 0, 400, 400, 800 ms
    expect(timed.value('watchdog_pool_task_wait_seconds_sum{pool="images"}')).toBeGreaterThanOrEqual(1.5);
    expect(pool(done, 'snapshot_timestamp_seconds')).toBeGreaterThan(Date.now() / 1000 - 30);
  });

  it('loses its series when it closes', async () => {
    const { app, url } = await startPool(kind);
    await until(url, { capacity: 2 });
    app.send({ deed: 'close' });
    await eventually(
      async () => !(await scrape(url)).text.includes('pool="images"') || undefined,
      'series gone',
    );
  });
});

describe('while main is frozen', () => {
  it('a Piscina 5 pool is seen finishing its tasks, and starving', async () => {
    const { app, url } = await startPool('piscina5');
    app.send({ deed: 'run', value: [1200, 1200, 50, 50] });
    await until(url, { active: 2, queue_size: 2 });
    app.send({ deed: 'spin', value: 4000 });
    const frozen = await eventually(async () => {
      const one = await scrape(url);
      return one.value('watchdog_eventloop_lag_seconds{thread="main"}') > 0.3 ? one : undefined;
    }, 'the freeze');
    expect(pool(frozen, 'active')).toBe(2);
    expect(pool(frozen, 'oldest_task_seconds')).toBeGreaterThan(0.2);
    // The threads finish on their own, main cannot give them the two that wait.
    const starving = await until(url, { active: 0, queue_size: 2, tasks_completed_total: 2 });
    const before = pool(starving, 'starved_seconds_total');
    const later = await eventually(async () => {
      const one = await scrape(url);
      return pool(one, 'starved_seconds_total') > before + 0.5 ? one : undefined;
    }, 'starved seconds grow');
    expect(later.value('watchdog_eventloop_lag_seconds{thread="main"}')).toBeGreaterThan(1);
    await app.message('spun');
    await until(url, { active: 0, queue_size: 0, tasks_completed_total: 4 });
  });

  it.each([
    ['whose internals are hidden', 'hidden'],
    ['that was watched too late to see its threads', 'late'],
  ])('a pool %s shows the public numbers of the last snapshot', async (_, kind) => {
    const { app, url } = await startPool(kind);
    app.send({ deed: 'run', value: [900, 900, 50] });
    const busy = await until(url, { active: 2, queue_size: 1, threads: 2 });
    expect(busy.has('watchdog_pool_oldest_task_seconds{pool="images"}')).toBe(false);
    expect(busy.has('watchdog_pool_starved_seconds_total{pool="images"}')).toBe(false);
    app.send({ deed: 'spin', value: 1500 });
    await app.message('spun');
    await until(url, { active: 0, queue_size: 0 });
  });
});

describe('any other pool', () => {
  it('p-queue, by a sampler', async () => {
    const { app, url } = await startPool('queue');
    app.send({ deed: 'run', value: [500, 500, 500, 500, 500] });
    const busy = await until(url, { capacity: 3, active: 3, queue_size: 2 });
    expect(busy.has('watchdog_pool_threads{pool="images"}')).toBe(false);
    await until(url, { active: 0, queue_size: 0, tasks_completed_total: 5 });
    app.send({ deed: 'unwatch' });
    await eventually(
      async () => !(await scrape(url)).text.includes('pool="images"') || undefined,
      'series gone',
    );
  });

  it('a connection pool; when its sampler throws that is counted, said once, and costs only this pool', async () => {
    const { app, url } = await startPool('pg');
    await until(url, { capacity: 5, active: 3, queue_size: 2, saturation_ratio: 0.6 });
    app.send({ deed: 'run', value: [0] });
    const one = await eventually(async () => {
      const now = await scrape(url);
      return now.value('watchdog_collector_errors_total{collector="pool_sampler"}') > 2 ? now : undefined;
    }, 'errors are counted');
    expect(one.has('watchdog_pool_active{pool="images"}')).toBe(false);
    expect(one.value('watchdog_pool_capacity{pool="sound"}')).toBe(1);
    expect(one.has('watchdog_pool_snapshot_timestamp_seconds{pool="images"}')).toBe(true);
    expect(await app.message('warning')).toEqual({
      code: 'WATCHDOG_POOL_UNREADABLE',
      message: 'The pool "images" cannot be read: connection refused',
    });
  });
});
