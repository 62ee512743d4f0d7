import { wallTimeOf } from '../counters.js';
import { VERSION } from '../version.js';
import { type Family, family, single } from './family.js';
import type { Sources } from './sources.js';

export const SELF = {
  sidecarLagMax: {
    name: 'watchdog_sidecar_lag_max_seconds',
    type: 'gauge',
    labels: [],
    help: "How late the sidecar's own timer was at most over the last 60 seconds: if this is high, distrust the rest.",
  },
  restarts: {
    name: 'watchdog_sidecar_restarts_total',
    type: 'counter',
    labels: [],
    since: 'watched',
    help: 'Sidecar threads that died and were replaced.',
  },
  startTime: {
    name: 'watchdog_start_time_seconds',
    type: 'gauge',
    labels: [],
    help: 'Unix time at which startWatchdog was called.',
  },
  collectorErrors: {
    name: 'watchdog_collector_errors_total',
    type: 'counter',
    labels: ['collector'],
    since: 'watched',
    help: 'Times that a collector failed; its series are missing from that scrape.',
  },
  journalErrors: {
    name: 'watchdog_journal_errors_total',
    type: 'counter',
    labels: [],
    since: 'watched',
    help: 'Lines of the stall journal that could not be written.',
  },
  relayAge: {
    name: 'watchdog_relay_age_seconds',
    type: 'gauge',
    labels: [],
    help: "Age of the relayed metrics of the app's own registry.",
  },
  relayDropped: {
    name: 'watchdog_relay_dropped_families_total',
    type: 'counter',
    labels: ['reason'],
    since: 'watched',
    help: "Families of the app's own registry left out: duplicate (ours wins), invalid or too_large.",
  },
  heartbeatInterval: {
    name: 'watchdog_heartbeat_interval_seconds',
    type: 'gauge',
    labels: [],
    help: 'Effective heartbeatInterval.',
  },
  stallThreshold: {
    name: 'watchdog_stall_threshold_seconds',
    type: 'gauge',
    labels: [],
    help: 'Effective stallThreshold.',
  },
  buildInfo: {
    name: 'watchdog_build_info',
    type: 'gauge',
    labels: ['version', 'node_version'],
    help: 'Always 1; versions of event-loop-watchdog and of Node.js.',
  },
} as const;

const BUILD = { version: VERSION, node_version: process.version };

export function collectSelf(sources: Sources): Family[] {
  const { loops, processState, ledger, options, relayAgeMs, relayDropped } = sources;
  // Pools are read on the main thread: their faults are counted there.
  const errors = [...sources.collectorErrors.entries(), ['pool_sampler', processState.poolErrors] as const];
  return [
    single(SELF.sidecarLagMax, sources.sidecarLagMaxMs / 1000),
    single(SELF.restarts, processState.restarts),
    single(SELF.startTime, Math.round(wallTimeOf(ledger, 'startedAt', loops[0].stats.startedAtMs)) / 1000),
    family(
      SELF.collectorErrors,
      errors.map(([collector, value]) => ({ labels: { collector }, value })),
    ),
    single(SELF.journalErrors, options.journal === undefined ? undefined : ledger.get('journalErrors')),
    single(SELF.relayAge, relayAgeMs === undefined ? undefined : relayAgeMs / 1000),
    family(
      SELF.relayDropped,
      (relayDropped?.entries() ?? []).map(([reason, value]) => ({
        labels: { reason },
        value,
      })),
    ),
    single(SELF.heartbeatInterval, options.heartbeatInterval / 1000),
    single(SELF.stallThreshold, options.stallThreshold / 1000),
    family(SELF.buildInfo, [{ labels: BUILD, value: 1 }]),
  ];
}
