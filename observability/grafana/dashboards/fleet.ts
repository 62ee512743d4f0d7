import {
  BarGaugeDisplayMode,
  TableCellDisplayMode,
  TableSortByFieldStateBuilder,
} from '@grafana/grafana-foundation-sdk/common';
import type { Dashboard } from '@grafana/grafana-foundation-sdk/dashboard';
import type { PanelBuilder as TablePanel } from '@grafana/grafana-foundation-sdk/table';
import { culpritSeconds, culpritTable } from './culprits.js';
import {
  assemble,
  FLEET_UID,
  linkTo,
  linkToRow,
  MAIN_UID,
  momentAnnotations,
  targetVariables,
} from './frame.js';
import { DELAY_LIMITS, HEAP_LIMITS, SATURATION_LIMITS } from './limits.js';
import { limits, stacked, stat, steps, type TableSpec, table } from './panels.js';
import { gauge, quantile, rate, resets, total, up } from './promql.js';
import { line, now, rows } from './queries.js';

/** Targets that had a watchdog in the last hour and do not answer now, whatever their job is called. */
const down = `${up()} == 0 and on (job, instance) last_over_time(${gauge('watchdog_build_info')}[1h])`;

/**
 * Counts from 0 when a process begins, and always moves. A start time would not do: it shifts with the clock.
 */
const beginnings = resets('watchdog_eventloop_delay_seconds_count');

const processes = stat({
  title: 'Processes',
  description: 'Processes whose watchdog answers.',
  unit: 'none',
  width: 6,
  height: 4,
  queries: [now(`count(${gauge('watchdog_build_info')})`, 'processes')],
})
  .decimals(0)
  .thresholds(steps({ color: 'text', value: null }));

const downStat = stat({
  title: 'Watchdogs down',
  description: 'Targets that had a watchdog in the last hour and whose last scrape failed.',
  unit: 'none',
  width: 6,
  height: 4,
  queries: [now(`count(${down}) or vector(0)`, 'down')],
})
  .decimals(0)
  .thresholds(steps({ color: 'green', value: null }, { color: 'red', value: 1 }));

const processRestarts = stat({
  title: 'Process restarts',
  description:
    'Processes that began anew in the range shown under the same address. One that comes back under another address, such as a new pod, is not counted.',
  unit: 'none',
  width: 6,
  height: 4,
  queries: [now(`sum(${beginnings})`, 'restarts')],
})
  .decimals(0)
  .thresholds(limits(1, 10));

const sidecarRestarts = stat({
  title: 'Sidecar restarts',
  description:
    'Sidecar threads that died and were replaced in the range shown. Any is a fault worth a report.',
  unit: 'none',
  width: 6,
  height: 4,
  queries: [now(`round(sum(${total('watchdog_sidecar_restarts_total')}))`, 'restarts')],
})
  .decimals(0)
  .thresholds(limits(1, 3));

const secondsByCause = stacked({
  title: 'Stall seconds by cause',
  description:
    'Seconds stalled in each second, by cause, all processes together: 100 % is one loop stalled all the time. The main dashboard explains the causes.',
  unit: 'percentunit',
  width: 12,
  height: 9,
  queries: [line(`sum by (cause) (${rate('watchdog_stall_seconds_total')})`, '{{cause}}')],
});

/** The worst ten, the worst first; a row leads to its process. */
function topTen(
  spec: Omit<TableSpec, 'queries' | 'columns' | 'width' | 'height'>,
  column: string,
  expr: string,
) {
  const queries = [rows(`topk(10, ${expr})`)];
  return linked(table({ ...spec, columns: [column], queries, width: 12, height: 9 }))
    .overrideByName(column, [
      {
        id: 'custom.cellOptions',
        value: { type: TableCellDisplayMode.Gauge, mode: BarGaugeDisplayMode.Basic },
      },
    ])
    .sortBy([new TableSortByFieldStateBuilder().displayName(column).desc(true)]);
}

function linked(panel: TablePanel): TablePanel {
  return panel.dataLinks([linkToRow('This process', ['job', 'instance'])]);
}

const THREAD = ['job', 'instance', 'thread'];
const eachThread = `by (${THREAD.join(', ')})`;

const worstDelay = topTen(
  {
    title: 'Worst p99 delay',
    description:
      'The ten event loops for which an event that arrives at a random moment waits longest: 99 in a hundred wait no longer than this. Yellow from 50 ms, red from 200 ms, as the alerts have it.',
    unit: 's',
    labels: THREAD,
  },
  'p99 delay',
  quantile(0.99, 'watchdog_eventloop_delay_seconds', THREAD),
).thresholds(limits(...DELAY_LIMITS));

const worstLag = topTen(
  {
    title: 'Worst lag now',
    description: 'The ten event loops whose heartbeat is latest right now: those on top may be blocked.',
    unit: 's',
    labels: THREAD,
  },
  'lag',
  `max ${eachThread} (${gauge('watchdog_eventloop_lag_seconds')})`,
).thresholds(limits(...DELAY_LIMITS));

const fullestPools = topTen(
  {
    title: 'Fullest worker pools',
    description:
      'The ten worker pools with the highest share of their capacity in use. Yellow from 80 %, red from 95 %.',
    unit: 'percentunit',
    labels: ['job', 'instance', 'pool'],
  },
  'saturation',
  `max by (job, instance, pool) (${gauge('watchdog_pool_saturation_ratio')})`,
)
  .max(1)
  .noValue('no pool')
  .thresholds(limits(...SATURATION_LIMITS));

const fullestHeaps = topTen(
  {
    title: 'Fullest heaps',
    description:
      'The ten heaps of which full collections leave most in use, by their limit. Yellow from 80 %, red from 90 %, as the alerts have it.',
    unit: 'percentunit',
    labels: THREAD,
  },
  'left in use',
  `max ${eachThread} (${gauge('watchdog_heap_saturation_ratio')})`,
)
  .max(1)
  .noValue('no full collection yet')
  .thresholds(limits(...HEAP_LIMITS));

const mostRestarts = topTen(
  {
    title: 'Most process restarts',
    description: 'The ten addresses at which processes began anew most often in the range shown.',
    unit: 'none',
    labels: ['job', 'instance'],
  },
  'restarts',
  `sum by (job, instance) (${beginnings}) > 0`,
)
  .decimals(0)
  .noValue('none')
  .thresholds(limits(1, 10));

const worstLines = culpritTable({
  description:
    'The twenty lines to blame for most of the time stalled in the range shown, all selected processes of a job together, and in how many of them. A row leads to the processes of that job. other: lines that are not among the worst of their process. unknown: stalls without a stack.',
  labels: ['job', 'culprit'],
  more: {
    processes: `count by (job, culprit) (sum by (job, instance, culprit) (${culpritSeconds}) > 0)`,
  },
  height: 12,
}).dataLinks([linkToRow('The processes of this job', ['job'])]);

const downTable = linked(
  table({
    title: 'Which watchdogs are down',
    description: 'Targets that had a watchdog in the last hour and whose last scrape failed.',
    unit: 'none',
    width: 24,
    height: 6,
    labels: ['job', 'instance'],
    columns: [null],
    queries: [rows(`sum by (job, instance) (${down})`)],
  }),
).noValue('none');

/** Many processes: which of them to look at. */
export function fleetDashboard(): Dashboard {
  return assemble(
    {
      uid: FLEET_UID,
      title: 'Event loop watchdog: fleet',
      description:
        'Many Node.js processes: which of them to look at, and which lines. Each row of a table leads to what it names.',
      variables: targetVariables(),
      // With many processes the marks would cover the chart.
      annotations: momentAnnotations(false),
      links: [linkTo(MAIN_UID, 'Processes', 'The selected processes in detail')],
    },
    [
      { panels: [processes, downStat, processRestarts, sidecarRestarts] },
      {
        panels: [
          worstDelay,
          worstLag,
          fullestPools,
          fullestHeaps,
          mostRestarts,
          secondsByCause,
          worstLines,
          downTable,
        ],
      },
    ],
  );
}
