import { afterEach, describe, expect, it } from 'vitest';
import { TASK_BOUNDS_MS } from '../../src/shared/layout.js';
import { type Child, type ChildOptions, killChildren, startApp } from '../support/child.js';
import { type Scrape, scrapeUntil } from '../support/scrape.js';

afterEach(killChildren);

interface Taken {
  readonly least: number;
  readonly most: number;
}

/** A Piscina pool of the name "images", whose tasks keep the truth. */
class Pool {
  readonly app: Child;
  readonly url: string;
  constructor(app: Child, url: string) {
    this.app = app;
    this.url = url;
  }
  async ask<T>(deed: string, value?: unknown): Promise<T> {
    this.app.send({ deed, value });
    return this.app.message<T>(deed);
  }
  async settled(): Promise<readonly Taken[]> {
    return this.ask('settled');
  }
  /** Scrapes until this holds. */
  until(what: string, holds: (one: Scrape) => boolean): Promise<Scrape> {
    return scrapeUntil(this.url, what, holds);
  }
  /** Scrapes until all of these hold at once; `undefined`: there is no such series. */
  async shows(wanted: Readonly<Record<string, number | undefined>>): Promise<Scrape> {
    return this.until(JSON.stringify(wanted), (one) =>
      Object.entries(wanted).every(([what, value]) => shown(one, what) === value),
    );
  }
  /** The loop has been late for so long. */
  async frozen(seconds = 0.3): Promise<Scrape> {
    return this.until(
      'the freeze',
      (one) => one.value('watchdog_eventloop_lag_seconds{thread="main"}') > seconds,
    );
  }
}

const shown = (one: Scrape, what: string): number | undefined => {
  const series = `watchdog_pool_${what}{pool="images"}`;
  return one.has(series) ? one.value(series) : undefined;
};

async function start(kind: string, sizes: object, options: ChildOptions = {}): Promise<Pool> {
  const { app, url } = await startApp(
    'true-pool.mjs',
    {},
    { args: [kind.slice(-1), JSON.stringify(sizes)], ...options },
  );
  return new Pool(app, url);
}

const one = { minThreads: 1, maxThreads: 1 };
const two = { minThreads: 2, maxThreads: 2 };
const named = (count: number, name: string) => Array.from({ length: count }, () => ({ name }));

describe.each(['piscina5', 'piscina4'])('%s', (kind) => {
  it('several tasks a thread: the oldest is told, a hung one too; frozen, it may not be known', async () => {
    const pool = await start(kind, { ...two, concurrentTasksPerWorker: 3 });
    await pool.ask('run', named(1, 'hung'));
    const hungAt = performance.now();
    await pool.ask('shorts', 4);
    const seen = await pool.until('age', (shot) => (shown(shot, 'oldest_task_seconds') ?? 0) > 2);
    expect(shown(seen, 'oldest_task_seconds')).toBeLessThanOrEqual((performance.now() - hungAt) / 1000 + 0.2);
    // Frozen, the short ones end: for all that can be known, the hung one may be among them.
    pool.app.send({ deed: 'hold' });
    const frozen = await pool.frozen();
    expect(shown(frozen, 'active')).toBe(1);
    expect([undefined, true]).toContain(
      shown(frozen, 'oldest_task_seconds') && (shown(frozen, 'oldest_task_seconds') as number) > 2,
    );
    pool.app.release();
    await pool.app.message('hold');
    await pool.ask('noShorts');
    await pool.until('age again', (shot) => (shown(shot, 'oldest_task_seconds') ?? 0) > 2.3);
    pool.app.release('hung');
    await pool.shows({ active: 0, oldest_task_seconds: 0 });
  });

  it('the oldest of a frozen pool is known while nobody may have ended it', async () => {
    const pool = await start(kind, { ...one, concurrentTasksPerWorker: 2 });
    await pool.ask('run', named(1, 'first'));
    await pool.until('age', (shot) => (shown(shot, 'oldest_task_seconds') ?? 0) > 0.7);
    await pool.ask('run', named(1, 'second'));
    await pool.shows({ active: 2 });
    pool.app.send({ deed: 'hold' });
    const frozen = await pool.frozen();
    expect(shown(frozen, 'oldest_task_seconds')).toBeGreaterThan(1);
    pool.app.release('second');
    await pool.shows({ active: 1, oldest_task_seconds: undefined });
    pool.app.release('first');
    await pool.shows({ active: 0, oldest_task_seconds: 0, tasks_completed_total: 2 });
  });

  it('a task that can be aborted fills its thread', async () => {
    const pool = await start(kind, { ...two, concurrentTasksPerWorker: 4 });
    await pool.ask('abortable', [...named(1, 'first'), ...named(1, 'second'), ...named(3, 'rest')]);
    await pool.shows({ active: 2, queue_size: 3, capacity: 2, saturation_ratio: 1 });
    pool.app.send({ deed: 'hold' });
    const full = await pool.frozen(0.5);
    expect(shown(full, 'dispatch_blocked_seconds_total')).toBe(0);
    pool.app.release('first');
    await pool.until('starving', (shot) => (shown(shot, 'dispatch_blocked_seconds_total') ?? 0) > 0.3);
    pool.app.release();
    pool.app.release('second');
    pool.app.release('rest');
    await pool.settled();
    await pool.shows({ active: 0, capacity: 8, saturation_ratio: 0, tasks_completed_total: 5 });
  });

  it('a pool watched late shows what its threads run', async () => {
    const pool = await start(
      kind,
      { ...two, concurrentTasksPerWorker: 3 },
      { env: { WATCHDOG_TEST_LATE: '1' } },
    );
    await pool.ask('run', named(5, 'all'));
    await pool.shows({ active: 5, capacity: 6, queue_size: 0, tasks_completed_total: 1 });
    pool.app.send({ deed: 'hold' });
    await pool.frozen();
    pool.app.release('all');
    await pool.shows({ active: 0, oldest_task_seconds: 0, tasks_completed_total: 6 });
  });

  it('threads that boot or idle run nothing; the counters are there from the start', async () => {
    const pool = await start(
      kind,
      { minThreads: 0, maxThreads: 2, idleTimeout: 60_000 },
      { env: { WATCHDOG_TEST_BOOT: '1' } },
    );
    await pool.shows({
      active: 0,
      threads: 0,
      oldest_task_seconds: 0,
      dispatch_blocked_seconds_total: 0,
      tasks_completed_total: 0,
    });
    await pool.ask('run', named(5, 'all'));
    const booting = await pool.until('booting', (shot) => (shown(shot, 'threads') ?? 0) > 0);
    expect(shown(booting, 'active')).toBe(0);
    pool.app.send({ deed: 'hold' });
    // Nobody could take the tasks that wait.
    expect(shown(await pool.frozen(0.5), 'dispatch_blocked_seconds_total')).toBe(0);
    pool.app.release();
    await pool.app.message('hold');
    pool.app.release('boot');
    await pool.shows({ active: 2, threads: 2, queue_size: 3 });
    pool.app.release('all');
    await pool.shows({ active: 0, threads: 2, tasks_completed_total: 5 });
  });

  it('tasks completed go on while main is frozen, aborted ones among them', async () => {
    const pool = await start(kind, two);
    await pool.ask('run', named(1, 'held'));
    await pool.ask('abortable', named(1, 'never'));
    await pool.shows({ active: 2 });
    pool.app.send({ deed: 'abortThenFreeze' });
    await pool.frozen();
    await pool.shows({ active: 1, tasks_completed_total: 1 });
    pool.app.release('held');
    await pool.shows({ active: 0, tasks_completed_total: 2 });
    pool.app.release();
    await pool.settled();
    expect(await pool.ask('completed')).toBe(2);
  });

  it('a burst in the last turn before the freeze is seen; one in it leaves the queue unknown', async () => {
    const pool = await start(kind, two);
    await pool.shows({ active: 0 });
    pool.app.send({ deed: 'burst', value: named(20, 'first') });
    await pool.frozen();
    await pool.shows({ active: 2, queue_size: 18 });
    pool.app.release('first');
    await pool.until('starving', (shot) => (shown(shot, 'dispatch_blocked_seconds_total') ?? 0) > 0.2);
    pool.app.release();
    await pool.app.message('burst');
    await pool.settled();

    const other = await start(kind, two);
    await other.shows({ active: 0 });
    other.app.send({ deed: 'burstIntoFreeze', value: named(20, 'first') });
    await other.frozen();
    await other.shows({ active: 2, queue_size: undefined });
  });

  it('a thread that dies while main is frozen: what runs is unknown until main has heard of it', async () => {
    const pool = await start(kind, two);
    await pool.ask('run', [...named(1, 'die'), ...named(1, 'other')]);
    await pool.shows({ active: 2 });
    pool.app.send({ deed: 'hold' });
    await pool.frozen();
    await pool.shows({ active: 2 });
    pool.app.release('die');
    await pool.shows({ active: undefined, saturation_ratio: undefined, oldest_task_seconds: undefined });
    pool.app.release();
    await pool.shows({ active: 1, threads: 2 });
    // What ended is in the account: the one that died, and no more.
    await pool.shows({ tasks_completed_total: 1 });
  });

  it('a pool used after close() or destroy() is watched on; without threads its name is free', async () => {
    const pool = await start(kind, two);
    await pool.ask('run', named(2, 'first'));
    await pool.shows({ active: 2 });
    pool.app.release('first');
    await pool.shows({ tasks_completed_total: 2 });
    for (const [end, rest] of [
      ['close', undefined],
      ['destroy', 0],
    ] as const) {
      await pool.ask(end);
      await pool.shows({ threads: rest, active: rest });
      await pool.ask('run', named(3, end));
      await pool.shows({ active: 2, queue_size: 1, threads: 2 });
      expect(await pool.ask('another')).toBe('ERR_WATCHDOG_DUPLICATE_POOL');
      pool.app.release(end);
      await pool.settled();
    }
    await pool.shows({ active: 0, tasks_completed_total: 8 });
    await pool.ask('destroy');
    expect(await pool.ask('another')).toBe('taken');
    await pool.shows({ threads: 2, tasks_completed_total: 0 });
  });

  it('times of tasks are told as they were, and never go back', async () => {
    const pool = await start(kind, two);
    const lengths = [2, 2, 7, 30, 30, 30, 120, 300];
    await pool.ask(
      'run',
      lengths.map((ms) => ({ ms })),
    );
    expectTimes(
      await pool.shows({ task_run_seconds_count: 8, task_wait_seconds_count: 8 }),
      await pool.settled(),
    );
    if (kind === 'piscina5') {
      await pool.ask('reset');
      await pool.ask('run', [{ ms: 40 }, { ms: 40 }, { ms: 3 }]);
      expectTimes(
        await pool.shows({ task_run_seconds_count: 11, task_wait_seconds_count: 11 }),
        await pool.settled(),
      );
    }
    const before = await pool.settled();
    const atMs = performance.now();
    // Two run until the pool is destroyed, one never runs.
    await pool.ask('run', named(3, 'never'));
    await pool.shows({ active: 2, queue_size: 1 });
    await pool.ask('destroy');
    const ended = { least: 0, most: performance.now() - atMs };
    const count = before.length + 2;
    const destroyed = await pool.shows({
      task_run_seconds_count: count,
      task_wait_seconds_count: count,
      tasks_completed_total: count + 1,
    });
    expectTimes(destroyed, [...before, ended, ended]);
  });
});

/** Sum and buckets lie between what the tasks themselves took and what main waited for them. */
function expectTimes(shot: Scrape, taken: readonly Taken[]): void {
  const sum = (of: (one: Taken) => number): number => taken.reduce((all, one) => all + of(one), 0) / 1000;
  const runSum = shown(shot, 'task_run_seconds_sum') as number;
  expect(runSum).toBeGreaterThanOrEqual(sum(({ least }) => least) * 0.99);
  expect(runSum).toBeLessThanOrEqual(sum(({ most }) => most) * 1.01);
  expect(shown(shot, 'task_wait_seconds_sum')).toBeLessThanOrEqual(sum(({ most }) => most) * 1.01);
  for (const bound of TASK_BOUNDS_MS) {
    const inBucket = shot.value(`watchdog_pool_task_run_seconds_bucket{pool="images",le="${bound / 1000}"}`);
    expect(inBucket).toBeGreaterThanOrEqual(taken.filter(({ most }) => most <= bound * 0.999).length);
    expect(inBucket).toBeLessThanOrEqual(taken.filter(({ least }) => least <= bound * 1.001).length);
  }
}

it('counters that wrap after 2^31 tasks are no fault', async () => {
  const pool = await start('piscina5', one, { env: { WATCHDOG_TEST_TASKS: `${2 ** 31 - 3}` } });
  await pool.shows({ active: 0 });
  for (let n = 1; n <= 8; n++) {
    await pool.ask('run', [{ ms: 1 }]);
    await pool.settled();
    await pool.shows({ active: 0, tasks_completed_total: n });
  }
  await pool.ask('run', named(2, 'last'));
  const last = await pool.shows({ active: 1, queue_size: 1 });
  expect(last.value('watchdog_collector_errors_total{collector="pools"}')).toBe(0);
  pool.app.send({ deed: 'hold' });
  await pool.frozen();
  pool.app.release('last');
  await pool.shows({ active: 0, tasks_completed_total: 9 });
});
