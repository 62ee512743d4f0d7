import { latenessOf } from '../../src/shared/lateness.js';
import type { LoopStats } from '../../src/shared/layout.js';
import { maxSince } from '../../src/shared/sliding-max.js';
import { wallTimeOf } from '../counters.js';
import type { LoopView } from '../loops/loop.js';
import { type Definition, type Family, family, histogramSamples, type Sample, single } from './family.js';
import type { Sources } from './sources.js';

export const EVENTLOOP = {
  lag: {
    name: 'watchdog_eventloop_lag_seconds',
    type: 'gauge',
    labels: ['thread'],
    help: 'How late the next heartbeat of the event loop is now; grows while the loop is blocked.',
  },
  lagMax: {
    name: 'watchdog_eventloop_lag_max_seconds',
    type: 'gauge',
    labels: ['thread'],
    help: 'Longest delay of a turn of the event loop over the last 60 seconds, the turn in progress included.',
  },
  delay: {
    name: 'watchdog_eventloop_delay_seconds',
    type: 'histogram',
    labels: ['thread'],
    since: 'watched',
    help: 'Exact time that an event arriving at a random moment waits for the event loop: one virtual arrival each millisecond.',
  },
  time: {
    name: 'watchdog_eventloop_time_seconds_total',
    type: 'counter',
    labels: ['thread', 'state'],
    since: 'watched',
    help: 'Time of the event loop by state: active (holding the loop or overdue) or idle (waiting for events).',
  },
  turns: {
    name: 'watchdog_eventloop_turns_total',
    type: 'counter',
    labels: ['thread'],
    since: 'watched',
    help: 'Turns of the event loop.',
  },
  resources: {
    name: 'watchdog_eventloop_active_resources',
    type: 'gauge',
    labels: ['thread', 'type'],
    help: 'Resources that keep the event loop alive (pending tasks), by type; counted about once a second, on a quiet loop each ten seconds.',
  },
  lastHeartbeat: {
    name: 'watchdog_last_heartbeat_timestamp_seconds',
    type: 'gauge',
    labels: ['thread'],
    help: 'Unix time of the last heartbeat of the event loop.',
  },
  startup: {
    name: 'watchdog_startup_seconds',
    type: 'gauge',
    labels: [],
    help: 'Time from startWatchdog to the first turn of the event loop; grows until then.',
  },
} as const;

const LAG_WINDOW_SECONDS = 60;

export function collectEventloop({ nowMs, loops, options }: Sources): Family[] {
  const [main] = loops;
  const { startedAtMs, loopStartedAtMs } = main.stats;
  // Nothing is said of a loop before its first heartbeat.
  const started = loops.filter(({ stats }) => stats.loopStartedAtMs > 0);
  const each = (definition: Definition, value: (loop: LoopView) => number): Family =>
    family(
      definition,
      started.map((loop) => ({ labels: loop.labels, value: value(loop) })),
    );
  const several = (definition: Definition, samples: (loop: LoopView) => readonly Sample[]): Family =>
    family(definition, started.flatMap(samples));
  return [
    each(EVENTLOOP.lag, ({ stats }) => lateness(nowMs, stats) / 1000),
    each(EVENTLOOP.lagMax, ({ stats }) => {
      const worstMs = maxSince(stats.worstSecond, stats.worstMs, nowMs, LAG_WINDOW_SECONDS);
      return Math.max(lateness(nowMs, stats), worstMs) / 1000;
    }),
    several(EVENTLOOP.delay, ({ labels, ledger }) => {
      const buckets = options.delayBuckets.map((_, i) => ledger.get('delayBuckets', i));
      const [sum, count] = [ledger.get('delaySumSeconds'), ledger.get('delayCount')];
      const native = { zero: ledger.get('nativeDelayZero'), counts: ledger.row('nativeDelay') };
      return histogramSamples(labels, options.delayBuckets, buckets, sum, count, { native });
    }),
    several(EVENTLOOP.time, ({ labels, ledger }) => [
      { labels: { ...labels, state: 'active' }, value: ledger.get('activeMs') / 1000 },
      { labels: { ...labels, state: 'idle' }, value: ledger.get('idleMs') / 1000 },
    ]),
    each(EVENTLOOP.turns, ({ stats }) => stats.turns),
    several(EVENTLOOP.resources, ({ labels, resources, resourceTypes }) =>
      // Named types only: a type's name follows its first count by message.
      resources.countedAtMs === 0
        ? []
        : resourceTypes.map((type, index) => ({
            labels: { ...labels, type },
            value: resources.counts[index] as number,
          })),
    ),
    each(EVENTLOOP.lastHeartbeat, ({ stats, ledger }) => {
      return wallTimeOf(ledger, 'heartbeatAt', stats.lastMarkMs) / 1000;
    }),
    single(EVENTLOOP.startup, ((loopStartedAtMs || nowMs) - startedAtMs) / 1000),
  ];
}

const lateness = (nowMs: number, { dueMs, lastMarkMs }: LoopStats): number =>
  latenessOf(nowMs, dueMs, lastMarkMs);
