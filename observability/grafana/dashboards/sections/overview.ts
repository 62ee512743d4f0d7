import { LegendDisplayMode, LegendPlacement } from '@grafana/grafana-foundation-sdk/common';
import { FieldColorBuilder, FieldColorModeId } from '@grafana/grafana-foundation-sdk/dashboard';
import type { Section } from '../frame.js';
import { DELAY_LIMITS, SATURATION_LIMITS } from '../limits.js';
import {
  BOUND_LINE,
  dashedThresholds,
  gaugePanel,
  legend,
  limitLines,
  limits,
  stacked,
  stat,
  steps,
  timeseries,
} from '../panels.js';
import { gauge, quantile } from '../promql.js';
import { line, now } from '../queries.js';

const lag = gauge('watchdog_eventloop_lag_seconds');
const lagMax = gauge('watchdog_eventloop_lag_max_seconds');
const resources = gauge('watchdog_eventloop_active_resources');
const heartbeat = gauge('watchdog_last_heartbeat_timestamp_seconds');
const active = gauge('watchdog_pool_active');
const capacity = gauge('watchdog_pool_capacity');

const lagStat = stat({
  title: 'Event loop lag',
  description:
    'How late the next heartbeat is right now, in the worst of the selected processes. It grows while a loop is blocked. Yellow from 50 ms, red from 200 ms.',
  unit: 's',
  width: 4,
  height: 5,
  queries: [now(`max(${lag})`, 'lag')],
}).thresholds(limits(...DELAY_LIMITS));

const pendingStat = stat({
  title: 'Pending tasks',
  description:
    'What keeps the event loops alive: timers, sockets, servers, requests in flight. There is no right number; one that rises and does not come back is a leak. Yellow from 1,000, red from 10,000.',
  unit: 'short',
  width: 4,
  height: 5,
  queries: [now(`sum(${resources})`, 'tasks')],
})
  .decimals(0)
  .thresholds(limits(1000, 10_000));

const threadsStat = stat({
  title: 'Active threads',
  description:
    'Tasks that run now in all worker pools, and the share of the total capacity that they use. Yellow from 80 %, red from 95 %.',
  unit: 'none',
  width: 4,
  height: 5,
  queries: [now(`sum(${active})`, 'active'), now(`sum(${active}) / sum(${capacity})`, 'of capacity')],
})
  .decimals(0)
  .noValue('no pool')
  // Only the share has limits; the number itself is neither good nor bad.
  .colorScheme(new FieldColorBuilder().mode(FieldColorModeId.Fixed).fixedColor('text'))
  .thresholds(steps({ color: 'green', value: null }))
  .overrideByQuery('B', [
    { id: 'unit', value: 'percentunit' },
    { id: 'color', value: { mode: 'thresholds' } },
    { id: 'thresholds', value: limits(...SATURATION_LIMITS).build() },
  ]);

const heartbeatStat = stat({
  title: 'Since last collection',
  description:
    'Time since the last heartbeat that Prometheus knows of, in the worst of the selected processes: up to one scrape interval, plus the time for which a loop has been blocked. Yellow from 30 s, red from 60 s.',
  unit: 's',
  width: 4,
  height: 5,
  queries: [now(`max(time() - ${heartbeat})`, 'age')],
})
  .decimals(0)
  .thresholds(limits(30, 60));

const saturation = gaugePanel({
  title: 'Pool saturation',
  description:
    'Active tasks by capacity, for each worker pool in the fullest of the selected processes. Yellow from 80 %, red from 95 %; above these the alerts begin to count.',
  unit: 'percentunit',
  width: 8,
  height: 5,
  queries: [now(`max by (pool) (${gauge('watchdog_pool_saturation_ratio')})`, '{{pool}}')],
})
  .max(1)
  .noValue('no pool')
  .thresholds(limits(...SATURATION_LIMITS));

const lagAndDelay = timeseries({
  title: 'Event loop lag and delay',
  description:
    'Lag: how late the heartbeat was when Prometheus looked, and the longest that a turn held the loop in the 60 s before, in the worst of the selected processes. Delay: what an event that arrives at a random moment waits for the loop, all selected processes together; every turn counts, so no stall falls between two looks. The lines at 50 ms and 200 ms are those of the alerts, which look at the p99 delay of each process.',
  unit: 's',
  width: 24,
  height: 9,
  queries: [
    line(`max by (thread) (${lag})`, 'lag now, {{thread}}'),
    line(`max by (thread) (${lagMax})`, 'lag, 60 s max, {{thread}}'),
    line(quantile(0.5, 'watchdog_eventloop_delay_seconds', ['thread']), 'p50 delay, {{thread}}'),
    line(quantile(0.99, 'watchdog_eventloop_delay_seconds', ['thread']), 'p99 delay, {{thread}}'),
  ],
})
  .thresholds(limitLines(...DELAY_LIMITS))
  .thresholdsStyle(dashedThresholds())
  .legend(legend(LegendDisplayMode.Table, LegendPlacement.Right, ['lastNotNull', 'max']));

const pendingByType = stacked({
  title: 'Pending tasks by type',
  description: 'What keeps the event loops alive, by type, all selected processes together.',
  unit: 'short',
  width: 12,
  height: 9,
  queries: [line(`sum by (type) (${resources})`, '{{type}}')],
}).decimals(0);

const pools = timeseries({
  title: 'Worker pools: active against capacity',
  description:
    'Tasks that run (solid) and tasks that can run at once (dashed), for each worker pool, all selected processes together. Where the lines meet, new tasks wait.',
  unit: 'none',
  width: 12,
  height: 9,
  queries: [
    line(`sum by (pool) (${active})`, '{{pool}} active'),
    line(`sum by (pool) (${capacity})`, '{{pool}} capacity'),
  ],
})
  .decimals(0)
  .noValue('no pool')
  .fillOpacity(10)
  .overrideByQuery('B', BOUND_LINE);

/** Is anything wrong, and where: without a row, so that it stands on top. */
export const OVERVIEW: Section = {
  panels: [lagStat, pendingStat, threadsStat, heartbeatStat, saturation, lagAndDelay, pendingByType, pools],
};
