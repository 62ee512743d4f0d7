import { RowBuilder } from '@grafana/grafana-foundation-sdk/dashboard';
import type { Section } from '../frame.js';
import { GC_LIMIT, HEAP_LIMITS } from '../limits.js';
import { BOUND_LINE, dashedThresholds, limitLines, steps, timeseries } from '../panels.js';
import { gauge, quantile, rate } from '../promql.js';
import { line } from '../queries.js';

const LIMIT = 'watchdog_heap_limit_bytes';
const SURVIVED = 'watchdog_heap_used_after_gc_bytes';

const heap = timeseries({
  title: 'Heap against its limit',
  description:
    'What objects take of the heap, garbage included, what the last full collection left of it, and what they may take (dashed): the largest of the selected processes. At the limit V8 ends the process, or the thread.',
  unit: 'bytes',
  width: 12,
  height: 8,
  queries: [
    line(`max by (thread) (${gauge('watchdog_heap_used_bytes')})`, 'in use, {{thread}}'),
    line(`max by (thread) (${gauge(SURVIVED)})`, 'left by collections, {{thread}}'),
    line(`max by (thread) (${gauge(LIMIT)})`, 'limit, {{thread}}'),
  ],
}).overrideByQuery('C', BOUND_LINE);

const survived = timeseries({
  title: 'Heap left by full collections',
  description:
    'Share of the limit that was in use after the last full collection, in the worst of the selected processes. Garbage is not in it: what rises here is a leak, or what the app needs. The lines at 80 % and 90 % are those of the alerts. Nothing before the first full collection.',
  unit: 'percentunit',
  width: 12,
  height: 8,
  queries: [line(`max by (thread) (${gauge('watchdog_heap_saturation_ratio')})`, '{{thread}}')],
})
  .max(1)
  .thresholds(limitLines(...HEAP_LIMITS))
  .thresholdsStyle(dashedThresholds());

const GC = 'watchdog_gc_duration_seconds';
const collecting = rate(`${GC}_sum`);

const time = timeseries({
  title: 'Time in garbage collection',
  description:
    'Share of the time for which collections held a thread, in the worst of the selected processes: of the main thread by kind, and of each thread in all. The line at 10 % is that of the alert. Collections are known when the turn in which they were is over.',
  unit: 'percentunit',
  width: 8,
  height: 8,
  queries: [
    line(`max by (kind) (${rate(`${GC}_sum`, 'thread="main"')})`, 'main, {{kind}}'),
    line(`max by (thread) (sum by (job, instance, thread) (${collecting}))`, 'all of {{thread}}'),
  ],
})
  .thresholds(steps({ color: 'transparent', value: null }, { color: 'yellow', value: GC_LIMIT }))
  .thresholdsStyle(dashedThresholds());

const lengths = timeseries({
  title: 'Length of garbage collections',
  description:
    'How long one collection holds its thread: 99 in a hundred no longer than this, by kind, all selected processes together. Minor ones take milliseconds; a major one that takes much longer is a stall of its own.',
  unit: 's',
  width: 8,
  height: 8,
  queries: [line(quantile(0.99, GC, ['kind']), 'p99, {{kind}}')],
});

const memory = timeseries({
  title: 'Memory of the process',
  description:
    "What the process has of the machine's memory, and of that V8's heap and what objects hold outside of it (buffers), in the largest of the selected processes. Resident memory that grows while the heap does not lies outside of it.",
  unit: 'bytes',
  width: 8,
  height: 8,
  queries: [
    line(`max(${gauge('process_resident_memory_bytes')})`, 'resident'),
    line(`max(${gauge('nodejs_heap_size_total_bytes')})`, 'heap'),
    line(`max(${gauge('nodejs_external_memory_bytes')})`, 'outside of the heap'),
  ],
}).noValue('processMetrics: false');

/** What objects take, and what it costs to take away those that are garbage. */
export const MEMORY_SECTION: Section = {
  row: new RowBuilder('Heap and garbage collection'),
  panels: [heap, survived, time, lengths, memory],
};
