import { RowBuilder } from '@grafana/grafana-foundation-sdk/dashboard';
import type { Section } from '../frame.js';
import { BOUND_LINE, timeseries } from '../panels.js';
import { gauge, quantile } from '../promql.js';
import { line } from '../queries.js';

const threads = timeseries({
  title: 'libuv threads: busy against size',
  description:
    'Threads of libuv that work (solid) and that there are (dashed), all selected processes together. File access, DNS look-ups, crypto and zlib run there. Where the lines meet, such calls wait. Busy threads: Linux and Node.js 22 or newer.',
  unit: 'none',
  width: 12,
  height: 9,
  queries: [
    line(`sum(${gauge('watchdog_threadpool_busy_threads')})`, 'busy'),
    line(`sum(${gauge('watchdog_threadpool_size')})`, 'size'),
  ],
})
  .decimals(0)
  .fillOpacity(10)
  .overrideByQuery('B', BOUND_LINE);

const wait = timeseries({
  title: 'Wait for a libuv thread',
  description:
    'What a probe waited until a libuv thread took it: half and 99 in a hundred waited no longer than this, all selected processes together. Pending: age of the probe that waits now, in the worst process; it grows while all threads are held. If this is high, raise UV_THREADPOOL_SIZE or find the long calls.',
  unit: 's',
  width: 12,
  height: 9,
  queries: [
    line(quantile(0.5, 'watchdog_threadpool_queue_delay_seconds', []), 'p50'),
    line(quantile(0.99, 'watchdog_threadpool_queue_delay_seconds', []), 'p99'),
    line(`max(${gauge('watchdog_threadpool_probe_pending_seconds')})`, 'pending'),
  ],
});

/** The threads that Node.js itself runs blocking calls on. */
export const THREAD_POOL: Section = {
  row: new RowBuilder("libuv's thread pool"),
  panels: [threads, wait],
};
