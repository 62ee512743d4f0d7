import type { EVENTLOOP } from '../../worker/metrics/eventloop.js';
import type { POOLS } from '../../worker/metrics/pools.js';
import type { SELF } from '../../worker/metrics/self.js';
import type { STALLS } from '../../worker/metrics/stalls.js';
import type { SYSTEM } from '../../worker/metrics/system.js';

/** The collector of libuv's pool, by its promised names. */
interface THREADPOOL {
  readonly size: { readonly name: 'watchdog_threadpool_size'; readonly type: 'gauge' };
  readonly busy: { readonly name: 'watchdog_threadpool_busy_threads'; readonly type: 'gauge' };
  readonly delay: { readonly name: 'watchdog_threadpool_queue_delay_seconds'; readonly type: 'histogram' };
  readonly pending: { readonly name: 'watchdog_threadpool_probe_pending_seconds'; readonly type: 'gauge' };
}

type Values<Table> = Table[keyof Table];
type Metric =
  | Values<typeof EVENTLOOP>
  | Values<typeof STALLS>
  | Values<typeof SYSTEM>
  | Values<typeof POOLS>
  | Values<typeof SELF>
  | Values<THREADPOOL>;
type Named<Type extends Metric['type']> = Extract<Metric, { readonly type: Type }>['name'];

/**
 * The series of the sidecar, by what may be asked of them. Types only: a name that the sidecar does not serve, or
 * a counter without a rate, does not compile.
 */
export type Gauge = Named<'gauge'>;
export type Histogram = Named<'histogram'>;
export type Summary = Named<'summary'>;
export type Counter =
  | Named<'counter'>
  | `${Histogram}_${'bucket' | 'sum' | 'count'}`
  | `${Summary}_${'sum' | 'count'}`;
