import type { Histogram } from 'node:perf_hooks';
import type { ThreadCounters } from '../shared/protocol.js';
import type { PiscinaLike } from './types.js';

/** What Piscina keeps of one of its threads. */
export interface ThreadRecord {
  readonly sharedBuffer: ThreadCounters;
  /**
   * Tasks handed to the thread whose answers main has not taken, by id, in the order in which they were
   * handed out.
   */
  readonly taskInfos: ReadonlyMap<unknown, TaskRecord>;
  readonly worker?: { readonly threadId: number };
  /** Whether it has booted, as far as main has heard. */
  isReady?(): boolean;
}
export interface TaskRecord {
  /** When it was handed out, by `performance.now()`. */
  readonly started: number;
  readonly abortSignal?: object | null;
  /** The file that it runs, and the name of its export. */
  readonly filename?: unknown;
  readonly name?: unknown;
}

/** What Piscina keeps of a pool. */
export interface Inside {
  readonly workers: Iterable<ThreadRecord>;
  /** Tasks that can be aborted and were passed over because no thread was empty. */
  readonly skipQueue: readonly unknown[];
  readonly times: { readonly run: Histogram; readonly wait: Histogram } | undefined;
}

/**
 * Piscina keeps what we need in WeakMaps, by the pool, out of which it takes it whenever a property is read.
 * For the length of one such reading, in which nothing else runs, we see what it gets.
 */
export function insideOf(pool: PiscinaLike): Inside | undefined {
  const pools = seenDuring(pool, () => void pool.completed);
  const inside = pools.find(
    (one): one is { workers: Iterable<ThreadRecord>; skipQueue: unknown[] } & KeptTimes =>
      isListOf((one as Partial<Inside>)?.workers, isThread) &&
      Array.isArray((one as Partial<Inside>).skipQueue),
  );
  return inside && { workers: inside.workers, skipQueue: inside.skipQueue, times: timesOf(inside) };
}

interface KeptTimes {
  /** Version 4. */
  readonly runTime?: unknown;
  readonly waitTime?: unknown;
  /** Version 5. */
  readonly histogram?: { readonly runTimeCount: number; readonly waitTimeSummary: unknown } | null;
}

function timesOf({ runTime, waitTime, histogram }: KeptTimes): Inside['times'] {
  const [run, wait] = histogram
    ? [
        ...seenDuring(histogram, () => void histogram.runTimeCount),
        ...seenDuring(histogram, () => void histogram.waitTimeSummary),
      ]
    : [runTime, waitTime];
  return isHistogram(run) && isHistogram(wait) ? { run, wait } : undefined;
}

/** What is taken out of WeakMaps, by `key`, while `read` runs. */
function seenDuring(key: object, read: () => void): unknown[] {
  const { get } = WeakMap.prototype;
  const asItWas = Object.getOwnPropertyDescriptor(WeakMap.prototype, 'get') as PropertyDescriptor;
  const seen: unknown[] = [];
  const value = function (this: WeakMap<object, unknown>, asked: object): unknown {
    const got = get.call(this, asked);
    if (asked === key) seen.push(got);
    return got;
  };
  // `false` in a realm whose prototypes are frozen.
  if (!Reflect.defineProperty(WeakMap.prototype, 'get', { configurable: true, writable: true, value }))
    return [];
  try {
    read();
  } catch {
    // An app's own way to read its pool may throw: that is told when the pool is sampled.
  } finally {
    Object.defineProperty(WeakMap.prototype, 'get', asItWas);
  }
  return seen;
}

/** Threads as far as the pool's events tell of them. */
export interface Announced {
  /** `undefined` if there are threads of which we have no record. */
  records(): readonly ThreadRecord[] | undefined;
  /** Threads that are not booting. */
  ready(): number;
  stop(): void;
}

/**
 * The second way, for a Piscina 5 whose inside cannot be reached: its threads' records hang, under a symbol,
 * on what its events carry.
 */
export function listenForThreads(pool: PiscinaLike): Announced {
  /** By Piscina's own record of the thread: the objects of the events are made anew for each. */
  const known = new Set<ThreadRecord>();
  const announced = new Set<number>();
  /** Threads that were there before us. */
  let missed: unknown[] = pool.threads as unknown[];
  let hidden = false;

  function onCreate(thread: { readonly id: number }): void {
    announced.add(thread.id);
    const record = recordOn(thread);
    if (record) known.add(record);
    else hidden = true;
  }

  function onDestroy(thread: { readonly id: number }): void {
    announced.delete(thread.id);
    known.delete(recordOn(thread) as ThreadRecord);
  }

  function missing(): readonly unknown[] {
    if (missed.length > 0) {
      missed = missed.filter(
        (thread) =>
          pool.threads.includes(thread) && !announced.has((thread as { threadId: number }).threadId),
      );
    }
    return missed;
  }

  pool.on('workerCreate', onCreate);
  pool.on('workerDestroy', onDestroy);
  return {
    records: () => (hidden || missing().length > 0 ? undefined : [...known]),
    ready: () => announced.size + missing().length,
    stop() {
      pool.off('workerCreate', onCreate);
      pool.off('workerDestroy', onDestroy);
    },
  };
}

function recordOn(thread: object): ThreadRecord | undefined {
  return Object.getOwnPropertySymbols(thread)
    .map((symbol) => (thread as Record<symbol, unknown>)[symbol])
    .find(isThread);
}

function isThread(value: unknown): value is ThreadRecord {
  const { sharedBuffer, taskInfos } = (value ?? {}) as Partial<ThreadRecord>;
  return (
    sharedBuffer instanceof Int32Array &&
    sharedBuffer.buffer instanceof SharedArrayBuffer &&
    sharedBuffer.length >= 2 &&
    taskInfos instanceof Map
  );
}

function isListOf<T>(value: unknown, is: (one: unknown) => one is T): value is Iterable<T> {
  return (
    typeof (value as Partial<Iterable<T>>)?.[Symbol.iterator] === 'function' && [...(value as [])].every(is)
  );
}

/** One that the sidecar can be given: its copy there goes on showing what is recorded here. */
function isHistogram(value: unknown): value is Histogram {
  try {
    const { percentile, count } = structuredClone(value) as Histogram;
    return typeof percentile === 'function' && typeof count === 'number';
  } catch {
    return false;
  }
}
