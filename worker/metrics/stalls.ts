import { wallClockOf } from '../../src/shared/clock.js';
import { CAUSES, STALL_BOUNDS_MS } from '../../src/shared/layout.js';
import { type Family, family, histogramSamples } from './family.js';
import type { Sources } from './sources.js';

export const STALLS = {
  count: {
    name: 'watchdog_stalls_total',
    type: 'counter',
    help: 'Finished stalls (turns of the event loop of at least the stall threshold) by cause.',
  },
  seconds: {
    name: 'watchdog_stall_seconds_total',
    type: 'counter',
    help: 'Time stalled by cause; grows during the stall.',
  },
  duration: {
    name: 'watchdog_stall_duration_seconds',
    type: 'histogram',
    help: 'Length of finished stalls.',
  },
  last: {
    name: 'watchdog_last_stall_timestamp_seconds',
    type: 'gauge',
    help: 'Unix time at which the latest stall began.',
  },
} as const;

const MAIN = { thread: 'main' } as const;

export function collectStalls({ heart, ledger }: Sources): Family[] {
  if (heart.loopStartedAtMs === 0) return [];
  let below = 0;
  const buckets = STALL_BOUNDS_MS.map((_, i) => {
    below += ledger.get('stallBuckets', i);
    return below;
  });
  const lastMs = ledger.get('lastStallMs');
  return [
    family(
      STALLS.count,
      CAUSES.map((cause, i) => ({ labels: { ...MAIN, cause }, value: ledger.get('stallsByCause', i) })),
    ),
    family(
      STALLS.seconds,
      CAUSES.map((cause, i) => ({
        labels: { ...MAIN, cause },
        value: ledger.get('stallMsByCause', i) / 1000,
      })),
    ),
    family(
      STALLS.duration,
      histogramSamples(
        MAIN,
        STALL_BOUNDS_MS,
        buckets,
        ledger.get('stallSumMs') / 1000,
        ledger.get('stallCount'),
      ),
    ),
    family(STALLS.last, [{ labels: MAIN, value: lastMs > 0 ? wallClockOf(lastMs) / 1000 : undefined }]),
  ];
}
