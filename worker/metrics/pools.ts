import { POOL_NUMBERS, TASK_BOUNDS_MS } from '../../src/shared/layout.js';
import type { PoolState } from '../pools/pool.js';
import { type Definition, type Family, family, histogramSamples } from './family.js';
import type { Sources } from './sources.js';

export const POOLS = {
  capacity: {
    name: 'watchdog_pool_capacity',
    type: 'gauge',
    labels: ['pool'],
    help: 'Tasks that the pool can run at once (Piscina: maxThreads x concurrentTasksPerWorker; a thread at an abortable task runs one); absent if there is no limit.',
  },
  active: {
    name: 'watchdog_pool_active',
    type: 'gauge',
    labels: ['pool'],
    help: 'Tasks that the pool runs now; live while the main thread is blocked.',
  },
  queueSize: {
    name: 'watchdog_pool_queue_size',
    type: 'gauge',
    labels: ['pool'],
    help: 'Tasks that wait for a thread of the pool, as of the end of the last turn; absent while the turn in progress is late and has handed out tasks.',
  },
  queueLimit: {
    name: 'watchdog_pool_queue_limit',
    type: 'gauge',
    labels: ['pool'],
    help: 'Tasks that may wait; absent if there is no limit.',
  },
  threads: {
    name: 'watchdog_pool_threads',
    type: 'gauge',
    labels: ['pool'],
    help: 'Threads of the pool that are alive.',
  },
  completed: {
    name: 'watchdog_pool_tasks_completed_total',
    type: 'counter',
    labels: ['pool'],
    help: 'Tasks that the pool has finished; live while the main thread is blocked.',
  },
  saturation: {
    name: 'watchdog_pool_saturation_ratio',
    type: 'gauge',
    labels: ['pool'],
    help: 'Active tasks divided by capacity.',
  },
  run: {
    name: 'watchdog_pool_task_run_seconds',
    type: 'histogram',
    labels: ['pool'],
    help: 'Time that finished tasks took to run.',
  },
  wait: {
    name: 'watchdog_pool_task_wait_seconds',
    type: 'histogram',
    labels: ['pool'],
    help: 'Time that started tasks had waited in the queue.',
  },
  oldest: {
    name: 'watchdog_pool_oldest_task_seconds',
    type: 'gauge',
    labels: ['pool'],
    help: 'Age of the longest-running task; 0 when none runs, absent while nobody can know which run.',
  },
  dispatchBlocked: {
    name: 'watchdog_pool_dispatch_blocked_seconds_total',
    type: 'counter',
    labels: ['pool'],
    help: 'Time with threads idle and tasks queued because the main thread, which hands them out, was blocked.',
  },
  slowTasks: {
    name: 'watchdog_pool_slow_tasks_total',
    type: 'counter',
    labels: ['pool'],
    help: 'Tasks that have run for as long as the slowTask option of the pool says; only of pools that have it.',
  },
  snapshot: {
    name: 'watchdog_pool_snapshot_timestamp_seconds',
    type: 'gauge',
    labels: ['pool'],
    help: 'Unix time at which the main thread last wrote what only it can know of the pool.',
  },
} as const;

export function collectPools({ pools }: Sources): Family[] {
  const states = pools.flatMap((pool) =>
    pool.state ? [{ pool, labels: pool.labels, state: pool.state }] : [],
  );
  const each = (definition: Definition, value: (state: PoolState) => number | undefined): Family =>
    family(
      definition,
      states.map(({ labels, state }) => ({ labels, value: value(state) })),
    );
  const times = (definition: Definition, kind: 'run' | 'wait'): Family =>
    family(
      definition,
      states.flatMap(({ labels, state: { [kind]: taken } }) =>
        taken ? histogramSamples(labels, TASK_BOUNDS_MS, taken.buckets, taken.sumMs / 1000, taken.count) : [],
      ),
    );
  return [
    ...POOL_NUMBERS.map((name) => each(POOLS[name], (state) => state[name])),
    each(POOLS.saturation, (state) => state.saturation),
    times(POOLS.run, 'run'),
    times(POOLS.wait, 'wait'),
    each(POOLS.oldest, (state) => state.oldestTaskMs && state.oldestTaskMs / 1000),
    each(POOLS.dispatchBlocked, (state) => state.dispatchBlockedMs && state.dispatchBlockedMs / 1000),
    family(
      POOLS.slowTasks,
      states.map(({ pool, labels }) => ({ labels, value: pool.slow?.count })),
    ),
    family(
      POOLS.snapshot,
      states.map(({ pool, labels, state }) => ({ labels, value: pool.wallTimeOf(state) / 1000 })),
    ),
  ];
}
