import { RowBuilder } from '@grafana/grafana-foundation-sdk/dashboard';
import type { Section } from '../frame.js';
import { DELAY_LIMITS } from '../limits.js';
import { dashedThresholds, heatmap, limitLines, timeseries } from '../panels.js';
import { gauge, quantile, rate } from '../promql.js';
import { buckets, line } from '../queries.js';

const DELAY = 'watchdog_eventloop_delay_seconds';
const arrivals = `sum(${rate(`${DELAY}_count`)})`;

const delayHeatmap = heatmap(
  {
    title: 'Delay heatmap',
    description:
      'What share of the events that arrive at random moments waits how long for the loop, all selected processes together. The lowest row is those that wait 1 ms at most. A stall puts a stain in every row up to its length.',
    unit: 'percentunit',
    width: 12,
    height: 9,
    queries: [buckets(`sum by (le) (${rate(`${DELAY}_bucket`)}) / on () group_left () ${arrivals}`)],
  },
  's',
);

const quantiles = timeseries({
  title: 'Exact delay quantiles',
  description:
    'What an event that arrives at a random moment waits for the loop, all selected processes together: half, nine in ten and 99 in a hundred wait no longer than this. The histogram counts every turn for as long as it lasts, so these are no samples; between two bounds of it the value is interpolated. Max: the longest turn in the worst process.',
  unit: 's',
  width: 12,
  height: 9,
  queries: [
    ...[0.5, 0.9, 0.99].map((q) => line(quantile(q, DELAY, ['thread']), `p${q * 100}, {{thread}}`)),
    line(
      `max by (thread) (max_over_time(${gauge('watchdog_eventloop_lag_max_seconds')}[$__rate_interval]))`,
      'max, {{thread}}',
    ),
  ],
})
  .thresholds(limitLines(...DELAY_LIMITS))
  .thresholdsStyle(dashedThresholds());

const TIME = 'watchdog_eventloop_time_seconds_total';

/** Active time by all time, each aggregated apart. */
const activeShare = (by: string): string =>
  `sum by (${by}) (${rate(TIME, 'state="active"')}) / sum by (${by}) (${rate(TIME)})`;

const utilisation = timeseries({
  title: 'Loop utilisation',
  description:
    'Share of the time for which a loop was held by a turn, or had one due and no CPU for it: the mean of the selected processes and the busiest. At 100 % the loop never waits for work; work waits for it.',
  unit: 'percentunit',
  width: 12,
  height: 8,
  queries: [
    line(activeShare('thread'), 'mean, {{thread}}'),
    line(`max by (thread) (${activeShare('job, instance, thread')})`, 'busiest, {{thread}}'),
  ],
})
  .max(1)
  .fillOpacity(10);

const turns = timeseries({
  title: 'Turns of the loop',
  description:
    'Turns per second, all selected processes together. Few turns at a high utilisation are long ones; an idle loop makes one or two a second.',
  unit: 'cps',
  width: 12,
  height: 8,
  queries: [line(`sum by (thread) (${rate('watchdog_eventloop_turns_total')})`, '{{thread}}')],
});

/** How long events wait for the loop, and how busy it is. */
export const EVENT_LOOP: Section = {
  row: new RowBuilder('Event loop'),
  panels: [delayHeatmap, quantiles, utilisation, turns],
};
