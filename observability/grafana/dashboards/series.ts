import type { EVENTLOOP } from '../../../worker/metrics/eventloop.js';
import type { MEMORY } from '../../../worker/metrics/memory.js';
import type { POOLS } from '../../../worker/metrics/pools.js';
import type { PROCESS } from '../../../worker/metrics/process.js';
import type { SELF } from '../../../worker/metrics/self.js';
import type { STALLS } from '../../../worker/metrics/stalls.js';
import type { SYSTEM } from '../../../worker/metrics/system.js';
import type { THREADPOOL } from '../../../worker/metrics/threadpool.js';

type Values<Table> = Table[keyof Table];
type Metric =
  | Values<typeof EVENTLOOP>
  | Values<typeof STALLS>
  | Values<typeof SYSTEM>
  | Values<typeof MEMORY>
  | Values<typeof PROCESS>
  | Values<typeof POOLS>
  | Values<typeof SELF>
  | Values<typeof THREADPOOL>;
type Named<Type extends Metric['type']> = Extract<Metric, { readonly type: Type }>['name'];

/**
 * The series of the sidecar, by what may be asked of them. Types only: a name that the sidecar does not
 * serve, or a counter without a rate, does not compile.
 */
export type Gauge = Named<'gauge'>;
export type Histogram = Named<'histogram'>;
export type Counter = Named<'counter'> | `${Histogram}_${'bucket' | 'sum' | 'count'}`;
