import { RowBuilder } from '@grafana/grafana-foundation-sdk/dashboard';
import type { Section } from '../frame.js';
import { bars, limits, stat, table, timeseries } from '../panels.js';
import { gauge, total } from '../promql.js';
import { line, now, rows } from '../queries.js';

const lag = timeseries({
  title: 'Sidecar lag',
  description:
    "How late the sidecar's own timer was at most in the 60 s before, in the worst of the selected processes. If this is high, distrust the rest: the watchdog itself got no CPU.",
  unit: 's',
  width: 10,
  height: 8,
  queries: [line(`max(${gauge('watchdog_sidecar_lag_max_seconds')})`, 'lag, 60 s max')],
});

const relayAge = timeseries({
  title: 'Relay age',
  description:
    "Age of the relayed metrics of the app's own registry, in the worst of the selected processes. The main thread makes them, so they grow old while it is blocked.",
  unit: 's',
  width: 10,
  height: 8,
  queries: [line(`max(${gauge('watchdog_relay_age_seconds')})`, 'age')],
}).noValue('no registry');

const restarts = stat({
  title: 'Sidecar restarts',
  description:
    'Sidecar threads that died and were replaced in the range shown, all selected processes together. Any is a fault worth a report.',
  unit: 'none',
  width: 4,
  height: 8,
  queries: [now(`round(sum(${total('watchdog_sidecar_restarts_total')}))`, 'restarts')],
})
  .decimals(0)
  .thresholds(limits(1, 3));

const captures = bars({
  title: 'Captures by result',
  description:
    'Looks at the main thread in the range shown, by kind (its stack or a CPU profile) and by what became of them, all selected processes together. STALLS.md, beside METRICS.md, tells what each result means.',
  unit: 'none',
  width: 8,
  height: 8,
  queries: [now(`round(sum by (kind, result) (${total('watchdog_captures_total')}))`, '{{kind}} {{result}}')],
}).decimals(0);

const collectorErrors = bars({
  title: 'Collector errors',
  description:
    'Times that a collector failed in the range shown, all selected processes together. Its series are missing from that scrape.',
  unit: 'none',
  width: 8,
  height: 8,
  queries: [now(`round(sum by (collector) (${total('watchdog_collector_errors_total')}))`, '{{collector}}')],
}).decimals(0);

const losses = bars({
  title: 'Lost lines and dropped families',
  description:
    "Lines of the stall journal that could not be written, and families of the app's registry left out of a scrape (duplicate: ours wins; invalid), in the range shown, all selected processes together.",
  unit: 'none',
  width: 8,
  height: 8,
  queries: [
    now(`round(sum(${total('watchdog_journal_errors_total')}))`, 'journal lines lost'),
    now(
      `round(sum by (reason) (${total('watchdog_relay_dropped_families_total')}))`,
      'families dropped: {{reason}}',
    ),
  ],
})
  .decimals(0)
  .noValue('no journal, no registry');

const eachProcess = 'by (job, instance)';

const processes = table({
  title: 'Processes',
  description:
    'The selected processes: versions, when the watchdog was started, how long the loop took to its first turn, and the settings that are in effect.',
  unit: 'none',
  width: 24,
  height: 8,
  labels: ['job', 'instance', 'version', 'node_version'],
  // Build info is always 1; it is there for its labels.
  columns: [null, 'started', 'startup', 'heartbeat interval', 'stall threshold'],
  queries: [
    rows(`max by (job, instance, version, node_version) (${gauge('watchdog_build_info')})`),
    rows(`max ${eachProcess} (${gauge('watchdog_start_time_seconds')}) * 1000`),
    ...(
      [
        'watchdog_startup_seconds',
        'watchdog_heartbeat_interval_seconds',
        'watchdog_stall_threshold_seconds',
      ] as const
    ).map((name) => rows(`max ${eachProcess} (${gauge(name)})`)),
  ],
})
  .overrideByName('started', [{ id: 'unit', value: 'dateTimeFromNow' }])
  .overrideByRegexp('startup|interval|threshold', [{ id: 'unit', value: 's' }]);

/** Whether the numbers above can be trusted. */
export const SIDECAR: Section = {
  row: new RowBuilder('The sidecar itself'),
  panels: [lag, relayAge, restarts, captures, collectorErrors, losses, processes],
};
