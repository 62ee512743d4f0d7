import { DELAY_BOUNDS_MS } from '../../src/shared/layout.js';
import { type Family, family, histogramSamples, nativeOf, single } from './family.js';
import type { Sources } from './sources.js';

export const THREADPOOL = {
  size: {
    name: 'watchdog_threadpool_size',
    type: 'gauge',
    labels: [],
    help: "Threads of libuv's pool, in which fs, dns.lookup, crypto and zlib work.",
  },
  busy: {
    name: 'watchdog_threadpool_busy_threads',
    type: 'gauge',
    labels: [],
    help: "Threads of libuv's pool that work now; live while the main thread is blocked (Linux, Node.js 22 and later).",
  },
  queueDelay: {
    name: 'watchdog_threadpool_queue_delay_seconds',
    type: 'histogram',
    labels: [],
    since: 'watched',
    help: "Time that a probe, one a second, waited for a thread of libuv's pool.",
  },
  probePending: {
    name: 'watchdog_threadpool_probe_pending_seconds',
    type: 'gauge',
    labels: [],
    help: "Age of the probe that waits for a thread of libuv's pool; 0 when none does.",
  },
} as const;

export function collectThreadpool({ ledger, threadpool }: Sources): Family[] {
  let below = 0;
  const buckets = DELAY_BOUNDS_MS.map((_, i) => {
    below += ledger.get('probeBuckets', i);
    return below;
  });
  const sum = ledger.get('probeSumMs') / 1000;
  const count = ledger.get('probeCount');
  const native = nativeOf(ledger.row('nativeProbes'), count);
  return [
    single(THREADPOOL.size, threadpool.size),
    single(THREADPOOL.busy, threadpool.busy),
    family(THREADPOOL.queueDelay, histogramSamples({}, DELAY_BOUNDS_MS, buckets, sum, count, { native })),
    single(THREADPOOL.probePending, threadpool.probePendingMs / 1000),
  ];
}
