import { afterEach, describe, expect, it } from 'vitest';
import { type App, killChildren, startApp } from '../support/child.js';
import { eventually } from '../support/eventually.js';
import { type Scrape, scrape, scrapeUntil } from '../support/scrape.js';

afterEach(killChildren);

const TWO_THREADS = { minThreads: 2, maxThreads: 2 };

function startPool(
  kind: string,
  sizes: object = TWO_THREADS,
  nodeArgs: readonly string[] = [],
): Promise<App> {
  return startApp('pools.mjs', {}, { args: [kind, JSON.stringify(sizes)], nodeArgs });
}

const pool = (one: Scrape, what: string): number => one.value(`watchdog_pool_${what}{pool="images"}`);
/** Scrapes until all of these hold at once. */
const until = (url: string, wanted: Record<string, number>): Promise<Scrape> =>
  scrapeUntil(url, JSON.stringify(wanted), (one) =>
    Object.entries(wanted).every(([what, value]) => pool(one, what) === value),
  );

describe.each(['piscina5', 'piscina4'])('%s', (kind) => {
  it('shows size, load, queue and times', async () => {
    const { app, url } = await startPool(kind, { ...TWO_THREADS, concurrentTasksPerWorker: 1, maxQueue: 50 });
    await until(url, { capacity: 2, threads: 2, active: 0, queue_size: 0, queue_limit: 50 });
    app.send({ deed: 'run', value: ['first', 'first', 400, 400, 400] });
    const busy = await until(url, { active: 2, queue_size: 3, saturation_ratio: 1 });
    const fullAt = Date.now();
    expect(pool(busy, 'tasks_completed_total')).toBe(0);
    await eventually(() => Date.now() - fullAt > 400, 'a while');
    const heldSeconds = (Date.now() - fullAt) / 1000;
    app.release('first');
    for (let i = 0; i < 5; i++) await app.message('ran');
    const done = await until(url, { active: 0, queue_size: 0, tasks_completed_total: 5 });
    // Each of the two records is read when its own turn comes.
    const timed = await until(url, { task_run_seconds_count: 5, task_wait_seconds_count: 5 });
    expect(timed.value('watchdog_pool_task_run_seconds_sum{pool="images"}')).toBeGreaterThanOrEqual(
      2 * heldSeconds + 3 * 0.39,
    );
    // Three while the first two were held, the last for one of the others besides.
    expect(timed.value('watchdog_pool_task_wait_seconds_sum{pool="images"}')).toBeGreaterThanOrEqual(
      3 * heldSeconds + 0.39,
    );
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

/**
 * A pool of one name whose tasks end when they are released; the threads themselves count those that they are
 * at.
 */
async function startHeld(kind: string, options: object): Promise<Held> {
  const { app, url } = await startApp(
    'held-pool.mjs',
    {},
    { args: [kind.slice(-1), JSON.stringify(options)] },
  );
  const ask = <T>(deed: string, value?: unknown): Promise<T> => {
    app.send({ deed, value });
    return app.message<T>(deed);
  };
  return { url, ask };
}
interface Held {
  readonly url: string;
  ask<T>(deed: string, value?: unknown): Promise<T>;
}

describe.each(['piscina5', 'piscina4'])('%s, used in its own way', (kind) => {
  /**
   * The threads are at so many tasks, so many wait, and that is what is shown.
   * @param lost tasks that ended with their thread, and did not count themselves out
   */
  async function sees({ url, ask }: Held, atWork: number, waiting: number, lost = 0): Promise<void> {
    await eventually(
      async () => (await ask<{ atWork: number }>('truth')).atWork === atWork + lost,
      `${atWork} at work`,
    );
    await until(url, { active: atWork, queue_size: waiting });
  }

  it('keeps the methods that the app gave it', async () => {
    const { ask } = await startHeld(kind, { minThreads: 1, maxThreads: 1 });
    expect(await ask('wrapped')).toEqual({
      answers: ['hit', 'no task', 'hit', 'hit'],
      traced: ['first', 'first', 'first', 'second', 'first'],
      added: ['run'],
    });
  });

  it('runs several tasks a thread', async () => {
    const held = await startHeld(kind, { ...TWO_THREADS, concurrentTasksPerWorker: 3 });
    await held.ask('run', 5);
    await sees(held, 5, 0);
    await held.ask('run', 3);
    await sees(held, 6, 2);
    await held.ask('release');
    await sees(held, 0, 0);
  });

  it('starts threads as it needs them', async () => {
    const held = await startHeld(kind, { minThreads: 0, maxThreads: 2 });
    await sees(held, 0, 0);
    await held.ask('run', 3);
    await sees(held, 2, 1);
    await held.ask('release');
    await sees(held, 0, 0);
  });

  it('refuses tasks when its queue is full', async () => {
    const held = await startHeld(kind, { minThreads: 1, maxThreads: 1, maxQueue: 2 });
    await held.ask('run', 10);
    await sees(held, 1, 2);
    expect(await held.ask('truth')).toMatchObject({ unsettled: 3, failures: new Array(7).fill('Error') });
    await held.ask('release');
    await sees(held, 0, 0);
  });

  it('has tasks aborted that wait', async () => {
    const held = await startHeld(kind, { minThreads: 1, maxThreads: 1 });
    await held.ask('run', 2);
    await held.ask('abortable', 3);
    await sees(held, 1, 4);
    await held.ask('abort');
    await sees(held, 1, 1);
    await held.ask('release');
    await sees(held, 0, 0);
  });

  it('has a task aborted that runs', async () => {
    const held = await startHeld(kind, { minThreads: 1, maxThreads: 1 });
    await held.ask('abortable', 1);
    await held.ask('run', 2);
    await sees(held, 1, 2);
    await held.ask('abort');
    await sees(held, 1, 1, 1);
    await held.ask('release');
    await sees(held, 0, 0, 1);
  });

  it('loses threads, and gets tasks that cannot be told', async () => {
    const held = await startHeld(kind, TWO_THREADS);
    await held.ask('end', ['exit', 'throw', 'answer with what cannot be cloned']);
    await sees(held, 0, 0);
    await held.ask('run', 3);
    await sees(held, 2, 1);
    await held.ask('release');
    await sees(held, 0, 0);
  });
});

it('piscina4, its tasks given by the old name of `run`', async () => {
  const { url, ask } = await startHeld('piscina4', TWO_THREADS);
  await ask('runTask', 3);
  await until(url, { active: 2, queue_size: 1 });
  await ask('release');
  await until(url, { active: 0, queue_size: 0, tasks_completed_total: 3 });
});

describe('while main is frozen', () => {
  it.each([
    ['piscina5'],
    ['piscina4'],
    ['late4'],
    // Its inside cannot be reached, but its events carry its threads.
    ['piscina5', '--frozen-intrinsics'],
  ])('a pool (%s) is seen finishing its tasks, and starving', async (kind, ...nodeArgs) => {
    const { app, url } = await startPool(kind, TWO_THREADS, nodeArgs);
    app.send({ deed: 'run', value: ['first', 'first', 50, 50] });
    await until(url, { active: 2, queue_size: 2 });
    app.send({ deed: 'hold' });
    const frozen = await eventually(async () => {
      const one = await scrape(url);
      return one.value('watchdog_eventloop_lag_seconds{thread="main"}') > 0.3 ? one : undefined;
    }, 'the freeze');
    expect(pool(frozen, 'active')).toBe(2);
    expect(pool(frozen, 'oldest_task_seconds')).toBeGreaterThan(0.2);
    app.release('first');
    // The threads finish on their own, main cannot give them the two that wait.
    const starving = await until(url, { active: 0, queue_size: 2, tasks_completed_total: 2 });
    const before = pool(starving, 'dispatch_blocked_seconds_total');
    const later = await eventually(async () => {
      const one = await scrape(url);
      return pool(one, 'dispatch_blocked_seconds_total') > before + 0.5 ? one : undefined;
    }, 'starved seconds grow');
    expect(later.value('watchdog_eventloop_lag_seconds{thread="main"}')).toBeGreaterThan(0.5);
    app.release();
    await app.message('held');
    await until(url, { active: 0, queue_size: 0, tasks_completed_total: 4 });
  });

  it('what a Piscina 4 pool runs is unknown if its inside cannot be reached', async () => {
    const { url } = await startPool('piscina4', TWO_THREADS, ['--frozen-intrinsics']);
    const one = await until(url, { queue_size: 0 });
    expect(one.text).not.toMatch(/watchdog_pool_(active|saturation_ratio|oldest_task_seconds|task_\w+)\{/);
  });

  it.each([
    ['whose internals are hidden', 'hidden'],
    ['that was watched too late to see its threads', 'late'],
  ])('a pool %s shows the public numbers of the last snapshot', async (_, kind) => {
    const { app, url } = await startPool(kind, TWO_THREADS, ['--frozen-intrinsics']);
    app.send({ deed: 'run', value: ['first', 'first', 50] });
    const busy = await until(url, { active: 2, queue_size: 1, threads: 2 });
    expect(busy.has('watchdog_pool_oldest_task_seconds{pool="images"}')).toBe(false);
    expect(busy.has('watchdog_pool_dispatch_blocked_seconds_total{pool="images"}')).toBe(false);
    app.send({ deed: 'hold' });
    app.release('first');
    const frozen = await eventually(async () => {
      const one = await scrape(url);
      return one.value('watchdog_eventloop_lag_seconds{thread="main"}') > 1 ? one : undefined;
    }, 'the freeze');
    expect(pool(frozen, 'active')).toBe(2);
    expect(pool(frozen, 'queue_size')).toBe(1);
    app.release();
    await app.message('held');
    await until(url, { active: 0, queue_size: 0 });
  });

  it('how many tasks run is unknown where only busy threads of several tasks each are counted', async () => {
    const sizes = { ...TWO_THREADS, concurrentTasksPerWorker: 2 };
    const { app, url } = await startPool('late', sizes, ['--frozen-intrinsics']);
    app.send({ deed: 'run', value: ['first', 'first', 'first'] });
    const one = await until(url, { queue_size: 0, threads: 2, capacity: 4 });
    expect(one.text).not.toMatch(/watchdog_pool_(active|saturation_ratio)\{/);
  });
});

describe('any other pool', () => {
  it('p-queue, by a sampler', async () => {
    const { app, url } = await startPool('queue');
    app.send({ deed: 'run', value: ['all', 'all', 'all', 'all', 'all'] });
    const busy = await until(url, { capacity: 3, active: 3, queue_size: 2 });
    expect(busy.has('watchdog_pool_threads{pool="images"}')).toBe(false);
    app.release('all');
    await until(url, { active: 0, queue_size: 0, tasks_completed_total: 5 });
    app.send({ deed: 'unwatch' });
    await eventually(
      async () => !(await scrape(url)).text.includes('pool="images"') || undefined,
      'series gone',
    );
  });

  it('p-queue as it comes: no limit, so no capacity; a counter that begins anew goes on', async () => {
    const { app, url } = await startPool('unlimited');
    app.send({ deed: 'run', value: ['all', 'all', 'all'] });
    const busy = await until(url, { active: 3, queue_size: 0, tasks_completed_total: 0 });
    expect(busy.text).not.toMatch(/watchdog_pool_(capacity|saturation_ratio)\{/);
    app.release('all');
    await until(url, { active: 0, tasks_completed_total: 3 });
    app.send({ deed: 'anew' });
    app.send({ deed: 'run', value: ['all'] });
    await until(url, { active: 0, tasks_completed_total: 4 });
  });

  it('a connection pool; a sampler that throws is counted, said once, and costs only its pool', async () => {
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
