import type { PoolState } from '../pools.js';
import { type Definition, type Family, family } from './family.js';
import type { Sources } from './sources.js';

export const POOLS = {
  capacity: {
    name: 'watchdog_pool_capacity',
    type: 'gauge',
    help: 'Tasks that the pool can run at once (Piscina: maxThreads x concurrentTasksPerWorker).',
  },
  active: {
    name: 'watchdog_pool_active',
    type: 'gauge',
    help: 'Tasks that the pool runs now; live while the main thread is blocked.',
  },
  queueSize: {
    name: 'watchdog_pool_queue_size',
    type: 'gauge',
    help: 'Tasks that wait for a thread of the pool.',
  },
  queueLimit: {
    name: 'watchdog_pool_queue_limit',
    type: 'gauge',
    help: 'Tasks that may wait; absent if there is no limit.',
  },
  threads: {
    name: 'watchdog_pool_threads',
    type: 'gauge',
    help: 'Threads of the pool that are alive.',
  },
  saturation: {
    name: 'watchdog_pool_saturation_ratio',
    type: 'gauge',
    help: 'Active tasks divided by capacity.',
  },
  completed: {
    name: 'watchdog_pool_tasks_completed_total',
    type: 'counter',
    help: 'Tasks that the pool has finished; live while the main thread is blocked.',
  },
  run: {
    name: 'watchdog_pool_task_run_seconds',
    type: 'summary',
    help: 'Time that finished tasks took to run.',
  },
  wait: {
    name: 'watchdog_pool_task_wait_seconds',
    type: 'summary',
    help: 'Time that started tasks had waited in the queue.',
  },
  oldest: {
    name: 'watchdog_pool_oldest_task_seconds',
    type: 'gauge',
    help: 'Age of the longest-running task; 0 when none runs.',
  },
  starved: {
    name: 'watchdog_pool_starved_seconds_total',
    type: 'counter',
    help: 'Time with threads idle and tasks queued because the main thread, which hands them out, was blocked.',
  },
  snapshot: {
    name: 'watchdog_pool_snapshot_timestamp_seconds',
    type: 'gauge',
    help: 'Unix time at which the main thread last wrote what only it can know of the pool.',
  },
} as const;

export function collectPools({ nowMs, loops: [{ heart }], pools }: Sources): Family[] {
  const states = pools.map((pool) => ({ pool, labels: pool.labels, state: pool.look(nowMs, heart) }));
  const each = (definition: Definition, value: (state: PoolState) => number | undefined): Family =>
    family(
      definition,
      states.map(({ labels, state }) => ({ labels, value: value(state) })),
    );
  const summary = (
    definition: Definition,
    sum: 'runMs' | 'waitMs',
    count: 'runCount' | 'waitCount',
  ): Family =>
    family(
      definition,
      states.flatMap(({ labels, state }) => [
        { labels, value: state[sum] / 1000, suffix: '_sum' },
        { labels, value: state[count], suffix: '_count' },
      ]),
    );
  return [
    each(POOLS.capacity, (state) => state.capacity),
    each(POOLS.active, (state) => state.active),
    each(POOLS.queueSize, (state) => state.queueSize),
    each(POOLS.queueLimit, (state) => state.queueLimit),
    each(POOLS.threads, (state) => state.threads),
    each(POOLS.saturation, (state) => (state.capacity > 0 ? state.active / state.capacity : undefined)),
    each(POOLS.completed, (state) => state.completed),
    summary(POOLS.run, 'runMs', 'runCount'),
    summary(POOLS.wait, 'waitMs', 'waitCount'),
    each(POOLS.oldest, (state) => state.oldestTaskMs && state.oldestTaskMs / 1000),
    each(POOLS.starved, (state) => state.starvedMs && state.starvedMs / 1000),
    family(
      POOLS.snapshot,
      states.map(({ pool, labels, state }) => ({ labels, value: pool.wallTimeOf(state) / 1000 })),
    ),
  ];
}
