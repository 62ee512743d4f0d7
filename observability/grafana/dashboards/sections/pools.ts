import { RowBuilder } from '@grafana/grafana-foundation-sdk/dashboard';
import type { Section } from '../frame.js';
import { BOUND_LINE, timeseries } from '../panels.js';
import { gauge, mean, rate } from '../promql.js';
import { line } from '../queries.js';

const POOL = 'pool=~"$pool"';
const size = { width: 8, height: 7 } as const;

const activeAgainstCapacity = timeseries({
  title: 'Active against capacity',
  description:
    'Tasks that run (solid) and tasks that can run at once (dashed), all selected processes together. Where the lines meet, new tasks wait.',
  unit: 'none',
  ...size,
  queries: [
    line(`sum(${gauge('watchdog_pool_active', POOL)})`, 'active'),
    line(`sum(${gauge('watchdog_pool_capacity', POOL)})`, 'capacity'),
  ],
})
  .decimals(0)
  .fillOpacity(10)
  .overrideByQuery('B', BOUND_LINE);

const queue = timeseries({
  title: 'Queue',
  description:
    'Tasks that wait (solid) and that may wait (dashed; no line, no limit), all selected processes together. At the limit new tasks are turned away.',
  unit: 'none',
  ...size,
  queries: [
    line(`sum(${gauge('watchdog_pool_queue_size', POOL)})`, 'waiting'),
    line(`sum(${gauge('watchdog_pool_queue_limit', POOL)})`, 'limit'),
  ],
})
  .decimals(0)
  .fillOpacity(10)
  .overrideByQuery('B', BOUND_LINE);

const times = timeseries({
  title: 'Mean run and wait time',
  description:
    'Mean time that finished tasks ran and that started tasks had waited in the queue, all selected processes together. Waits that rise with steady run times: too few threads. Run times that rise: slower tasks, or too little CPU.',
  unit: 's',
  ...size,
  queries: [
    line(mean('watchdog_pool_task_run_seconds', POOL), 'run'),
    line(mean('watchdog_pool_task_wait_seconds', POOL), 'wait'),
  ],
});

const completed = timeseries({
  title: 'Completed tasks',
  description: 'Tasks finished per second, all selected processes together.',
  unit: 'ops',
  ...size,
  queries: [line(`sum(${rate('watchdog_pool_tasks_completed_total', POOL)})`, 'completed')],
});

const oldest = timeseries({
  title: 'Oldest task',
  description:
    'Age of the longest-running task, in the worst of the selected processes. A line that rises as fast as time goes by is a task that hangs.',
  unit: 's',
  ...size,
  queries: [line(`max(${gauge('watchdog_pool_oldest_task_seconds', POOL)})`, 'oldest')],
});

const dispatchBlocked = timeseries({
  title: 'Dispatch blocked',
  description:
    'Share of the time with threads idle and tasks queued because the main thread, which hands them out, was blocked; all selected processes together. More threads do not help; a free event loop does.',
  unit: 'percentunit',
  ...size,
  queries: [line(`sum(${rate('watchdog_pool_dispatch_blocked_seconds_total', POOL)})`, 'dispatch blocked')],
});

/** One row for each worker pool chosen. */
export const WORKER_POOLS: Section = {
  row: new RowBuilder('Worker pool $pool').repeat('pool'),
  panels: [activeAgainstCapacity, queue, times, completed, oldest, dispatchBlocked],
};
