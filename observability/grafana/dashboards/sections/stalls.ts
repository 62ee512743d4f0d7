import { TableSortByFieldStateBuilder } from '@grafana/grafana-foundation-sdk/common';
import { RowBuilder } from '@grafana/grafana-foundation-sdk/dashboard';
import { CAUSES } from '../../../../src/shared/labels.js';
import { culpritTable } from '../culprits.js';
import type { Section } from '../frame.js';
import { BURN_LIMITS, STALL_BUDGET } from '../limits.js';
import { dashedThresholds, limitLines, stacked, table, timeseries } from '../panels.js';
import { gauge, quantile, rate, rateOver, total } from '../promql.js';
import { line, rows } from '../queries.js';

const PROCESS = ['job', 'instance', 'thread'] as const;
const eachProcess = `by (${PROCESS.join(', ')})`;

const secondsByCause = stacked({
  title: 'Stall seconds by cause',
  description:
    'Seconds stalled in each second, by cause, all selected processes together: at 100 % one loop is stalled all the time. cpu: code ran on the loop. gc: memory. blocked: asleep in a synchronous call. starved: no CPU. suspended: the whole process stood still. unknown: not told by this system. A stall in progress counts.',
  unit: 'percentunit',
  width: 12,
  height: 9,
  queries: [line(`sum by (cause) (${rate('watchdog_stall_seconds_total')})`, '{{cause}}')],
});

const burn = (window: string): string =>
  `max(sum ${eachProcess} (${rateOver(window, 'watchdog_stall_seconds_total')})) / ${STALL_BUDGET}`;

const burnRate = timeseries({
  title: 'Burn rate of the stall budget',
  description:
    'Share of the time stalled against a budget of 0.1 %, in the worst of the selected processes. At 1 the budget of 30 days lasts 30 days; at 6 it lasts 5 days (yellow, to be read against the 6 h line), at 14.4 two days (red, against the 1 h line).',
  unit: 'none',
  width: 12,
  height: 9,
  queries: [line(burn('1h'), 'over 1 h'), line(burn('6h'), 'over 6 h')],
})
  .decimals(1)
  .thresholds(limitLines(...BURN_LIMITS))
  .thresholdsStyle(dashedThresholds());

const durations = timeseries({
  title: 'How long stalls last',
  description:
    'Half of the finished stalls of all selected processes are shorter than p50, and 99 of 100 shorter than p99. The dots are single stalls: each tells its id, for /api/stalls/<id>, and the trace of the request that it was looked into with, if there is one. They need a Prometheus with --enable-feature=exemplar-storage.',
  unit: 's',
  width: 24,
  height: 8,
  queries: [0.5, 0.99].map((q) =>
    line(quantile(q, 'watchdog_stall_duration_seconds', []), `p${100 * q}`).exemplar(true),
  ),
});

const stallsTable = table({
  title: 'Stalls',
  description:
    'Finished stalls of each selected process in the range shown, by cause; the time stalled, unfinished stalls included; and when the latest stall began, whether in the range or not. Counts are estimates from scrapes: a stall before the first scrape of a process is not in them.',
  unit: 'none',
  width: 24,
  height: 8,
  labels: PROCESS,
  columns: [...CAUSES, 'time stalled', 'latest stall'],
  queries: [
    ...CAUSES.map((cause) =>
      rows(`round(sum ${eachProcess} (${total('watchdog_stalls_total', `cause="${cause}"`)}))`),
    ),
    rows(`sum ${eachProcess} (${total('watchdog_stall_seconds_total')})`),
    rows(`max ${eachProcess} (${gauge('watchdog_last_stall_timestamp_seconds')}) * 1000`),
  ],
})
  .decimals(0)
  .overrideByName('time stalled', [{ id: 'unit', value: 's' }])
  .overrideByName('latest stall', [{ id: 'unit', value: 'dateTimeFromNow' }])
  .sortBy([new TableSortByFieldStateBuilder().displayName('time stalled').desc(true)]);

const worstLines = culpritTable({
  description:
    'The twenty lines to blame for most of the time stalled in the range shown, all selected processes together; a stall counts when it is over. other: lines that are not among the worst of their process. unknown: stalls without a stack, such as those that were over before one was taken.',
  labels: ['job', 'thread', 'culprit'],
  height: 10,
});

/** How much the loops were stalled, and by what. */
export const STALLS_SECTION: Section = {
  row: new RowBuilder('Stalls'),
  panels: [secondsByCause, burnRate, durations, stallsTable, worstLines],
};
