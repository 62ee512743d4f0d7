import { CAUSES } from '../../src/shared/labels.js';
import { STALL_BOUNDS_MS } from '../../src/shared/layout.js';
import type { LoopLedger } from '../counters.js';
import type { LoopView } from '../loops/loop.js';
import { type Definition, type Family, family, histogramSamples, nativeOf, type Sample } from './family.js';
import type { Sources } from './sources.js';

export const STALLS = {
  count: {
    name: 'watchdog_stalls_total',
    type: 'counter',
    labels: ['thread', 'cause'],
    since: 'watched',
    help: 'Finished stalls (turns of the event loop of at least the stall threshold) by cause.',
  },
  seconds: {
    name: 'watchdog_stall_seconds_total',
    type: 'counter',
    labels: ['thread', 'cause'],
    since: 'watched',
    help: 'Time stalled by cause; grows during the stall.',
  },
  culprits: {
    name: 'watchdog_culprit_stall_seconds_total',
    type: 'counter',
    labels: ['thread', 'culprit'],
    help: 'Time of finished stalls by the line to blame: the worst of late, all others (other), and stalls of which nobody knows whose they are (unknown). A line is at 0 for its first 90 seconds, so that increase() counts all of it.',
  },
  duration: {
    name: 'watchdog_stall_duration_seconds',
    type: 'histogram',
    labels: ['thread'],
    since: 'watched',
    help: 'Length of finished stalls.',
  },
  last: {
    name: 'watchdog_last_stall_timestamp_seconds',
    type: 'gauge',
    labels: ['thread'],
    help: 'Unix time at which the latest stall began.',
  },
} as const;

export function collectStalls({ loops }: Sources): Family[] {
  const started = loops.filter(({ stats }) => stats.loopStartedAtMs > 0);
  const byCause = (definition: Definition, value: (ledger: LoopLedger, index: number) => number): Family =>
    family(
      definition,
      started.flatMap(({ labels, ledger }) =>
        CAUSES.map((cause, index) => ({
          labels: { ...labels, cause },
          value: value(ledger, index),
        })),
      ),
    );
  return [
    byCause(STALLS.count, (ledger, index) => ledger.get('stallsByCause', index)),
    byCause(STALLS.seconds, (ledger, index) => ledger.get('stallMsByCause', index) / 1000),
    family(
      STALLS.culprits,
      started.flatMap(({ labels, culprits }) =>
        culprits.map(({ culprit, seconds }) => ({ labels: { ...labels, culprit }, value: seconds })),
      ),
    ),
    family(STALLS.duration, started.flatMap(durationSamples)),
    family(
      STALLS.last,
      started.map(({ labels, ledger }) => {
        const lastMs = ledger.get('lastStallWallMs');
        return { labels, value: lastMs > 0 ? Math.round(lastMs) / 1000 : undefined };
      }),
    ),
  ];
}

function durationSamples({ labels, ledger, exemplars }: LoopView): Sample[] {
  let below = 0;
  const buckets = STALL_BOUNDS_MS.map((_, i) => {
    below += ledger.get('stallBuckets', i);
    return below;
  });
  const sum = ledger.get('stallSumMs') / 1000;
  const count = ledger.get('stallCount');
  const native = nativeOf(ledger.row('nativeStalls'), count);
  return histogramSamples(labels, STALL_BOUNDS_MS, buckets, sum, count, { native, exemplars });
}
