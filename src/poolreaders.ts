import type { PoolEntry, ThreadCounters } from './shared/protocol.js';
import type { PiscinaLike, PoolSample, PoolSampler } from './types.js';

/** What a look at a pool yields; what a pool does not have is left out. */
export interface PoolReading {
  readonly capacity: number;
  readonly active?: number | undefined;
  readonly queueSize: number;
  readonly queueLimit?: number | undefined;
  readonly threads?: number | undefined;
  readonly completed?: number | undefined;
  readonly runMs?: number | undefined;
  readonly runCount?: number | undefined;
  readonly waitMs?: number | undefined;
  readonly waitCount?: number | undefined;
  readonly threadsVersion?: number | undefined;
  readonly completedBase?: number | undefined;
}

export interface PoolReader {
  /** @throws if the pool cannot be read */
  read(nowMs: number): PoolReading;
  stop(): void;
}

export interface PoolEvents {
  onThreads(threads: PoolEntry['threads'], version: number): void;
  onClose(): void;
}

/** Reads a pool by the user's function. */
export function readSampler(sampler: PoolSampler): PoolReader {
  const number = (value: unknown, name: string): number => {
    if (typeof value === 'number' && Number.isFinite(value) && value >= 0) return value;
    throw new TypeError(
      `its sampler must give a finite number of 0 or more as ${name}, but gave ${String(value)}`,
    );
  };
  return {
    read() {
      const sample = sampler();
      if (typeof (sample as unknown as PromiseLike<unknown> | undefined)?.then === 'function') {
        // Whatever becomes of it must not become an unhandled rejection.
        Promise.resolve(sample).catch(() => {});
        throw new TypeError('its sampler must give its numbers at once, but gave a promise');
      }
      // Getters of a class will do, but what every object has by a polluted prototype is no answer.
      const of = (name: keyof PoolSample): unknown =>
        Object.hasOwn(Object.prototype, name) && !Object.hasOwn(sample, name) ? undefined : sample[name];
      const completed = of('completed');
      return {
        capacity: number(of('capacity'), 'capacity'),
        active: number(of('active'), 'active'),
        queueSize: number(of('queued'), 'queued'),
        completed: completed === undefined ? undefined : number(completed, 'completed'),
      };
    },
    stop() {},
  };
}

/** A Piscina summary costs some twenty percentile look-ups: not more often than this. */
const TIMING_EVERY_MS = 1000;

/** What Piscina shows beyond {@link PiscinaLike}, by version. */
interface PiscinaExtras {
  /** Version 5. */
  readonly idleThreads?: number;
  readonly histogram?: { readonly runTime?: TimeSummary; readonly waitTime?: TimeSummary } | null;
  /** Version 4. */
  readonly runTime?: TimeSummary | null;
  readonly waitTime?: TimeSummary | null;
}
interface TimeSummary {
  /** Milliseconds. */
  readonly mean: number;
}

/**
 * Reads a Piscina pool: queue, threads and timing from its public properties, what each thread runs from the two
 * counters that it shares with its thread, where they can be reached.
 */
export function readPiscina(pool: PiscinaLike & PiscinaExtras, events: PoolEvents): PoolReader {
  const inside = 'histogram' in pool ? undefined : insideOf(pool);
  const counters = inside ? followThreads(inside, pool, events) : watchThreads(pool, events);
  let timing: Pick<PoolReading, 'runMs' | 'runCount' | 'waitMs' | 'waitCount'> = {};
  let nextTimingMs = 0;
  pool.on('close', events.onClose);

  function activeTasks(visible: readonly ThreadCounters[] | undefined, threads: number): number | undefined {
    if (visible) return sumOf(visible, running);
    // Version 4 tells neither who is idle nor what it has handed out; its methods are the app's, not ours to wrap.
    return pool.idleThreads === undefined ? undefined : threads - pool.idleThreads;
  }

  return {
    read(nowMs) {
      const { queueSize, completed, options } = pool;
      const threads = pool.threads.length;
      const visible = counters.visible();
      const active = activeTasks(visible, threads);
      if (nowMs >= nextTimingMs) {
        nextTimingMs = nowMs + TIMING_EVERY_MS;
        const run = meanOf(pool.histogram?.runTime ?? pool.runTime);
        const wait = meanOf(pool.histogram?.waitTime ?? pool.waitTime);
        // Piscina gives means since its start; a task's wait is noted when it is handed out, its run when it ends.
        const handedOut = completed + (active ?? 0);
        timing = {
          ...(run !== undefined && { runMs: run * completed, runCount: completed }),
          ...(wait !== undefined && { waitMs: wait * handedOut, waitCount: handedOut }),
        };
      }
      return {
        // Threads are added while there are fewer than the maximum, which need not be whole (1.5 per CPU).
        capacity: Math.ceil(options.maxThreads) * options.concurrentTasksPerWorker,
        active,
        queueSize,
        queueLimit: Number.isFinite(options.maxQueue) ? (options.maxQueue as number) : undefined,
        threads,
        completed,
        ...timing,
        threadsVersion: visible ? counters.version() : undefined,
        completedBase: counters.completedBase(),
      };
    },
    stop() {
      pool.off('close', events.onClose);
      counters.stop();
    },
  };
}

const REQUESTS = 0;
const RESPONSES = 1;

const answered = (one: ThreadCounters): number => Atomics.load(one, RESPONSES);

function sumOf(counters: readonly ThreadCounters[], count: (one: ThreadCounters) => number): number {
  return counters.reduce((sum, one) => sum + count(one), 0);
}

/** Tasks that a thread has been handed and has not answered. */
function running(one: ThreadCounters): number {
  return Atomics.load(one, REQUESTS) - Atomics.load(one, RESPONSES);
}

/** 0 for a histogram that is empty, `undefined` for a pool that does not record. */
function meanOf(summary: TimeSummary | null | undefined): number | undefined {
  if (typeof summary?.mean !== 'number') return undefined;
  return Number.isNaN(summary.mean) ? 0 : summary.mean;
}

interface ThreadInfo {
  readonly id: number;
}

/** The counters of a pool's threads. */
interface Threads {
  /** The counters of all threads; `undefined` if there are threads that do not show theirs. */
  visible(): readonly ThreadCounters[] | undefined;
  version(): number;
  /**
   * What the sum of the threads' responses lacks to the tasks completed: those of threads that are gone, and those
   * that never reached a thread.
   */
  completedBase(): number;
  stop(): void;
}

/**
 * Gathers the counters of the pool's threads. They hang, under a symbol, on what the pool's `workerCreate` and
 * `workerDestroy` events carry: an internal of Piscina, so everything here expects to find nothing.
 */
function watchThreads(pool: PiscinaLike & PiscinaExtras, events: PoolEvents): Threads {
  /** Keyed by Piscina's own record of the thread: the objects of the events are made anew for each. */
  const known = new Map<object, ThreadCounters>();
  const seenIds = new Set<number>();
  /** Threads that were there before us. */
  let missed: unknown[] = [];
  let hidden = false;
  let version = 0;
  let told = true;
  let base = 0;

  const visible = (): readonly ThreadCounters[] | undefined => {
    if (missed.length > 0) missed = missed.filter((thread) => pool.threads.includes(thread));
    return hidden || known.size === 0 || missed.length > 0 ? undefined : [...known.values()];
  };

  function change(): void {
    version++;
    if (!told) return;
    told = false;
    // One message for a batch: a new pool brings all its first threads in one go.
    queueMicrotask(() => {
      told = true;
      events.onThreads(visible(), version);
    });
  }

  function onCreate(thread: ThreadInfo): void {
    const record = recordOf(thread);
    seenIds.add(thread.id);
    missed = missed.filter((one) => (one as { threadId?: number }).threadId !== thread.id);
    if (record) known.set(record.key, record.counters);
    else hidden = true;
    change();
  }

  function onDestroy(thread: ThreadInfo): void {
    const record = recordOf(thread);
    if (!record || !known.delete(record.key)) return;
    base += answered(record.counters);
    change();
  }

  pool.on('workerCreate', onCreate);
  pool.on('workerDestroy', onDestroy);
  // The first threads are announced in microtasks of their own, queued when the pool was made. What is there
  // after them and was not announced was made before this watch began.
  queueMicrotask(() => {
    missed = pool.threads.filter((thread) => !seenIds.has((thread as { threadId: number }).threadId));
    change();
  });

  return {
    visible,
    version: () => version,
    completedBase() {
      const counters = [...known.values()];
      // A thread posts its answer and then counts it; main may have completed the task before, or not yet after.
      // The two counts can be compared only when nothing at all is under way.
      const quiet = pool.idleThreads === pool.threads.length && sumOf(counters, running) === 0;
      if (quiet) base = pool.completed - sumOf(counters, answered);
      return base;
    },
    stop() {
      pool.off('workerCreate', onCreate);
      pool.off('workerDestroy', onDestroy);
    },
  };
}

function recordOf(thread: object): { key: object; counters: ThreadCounters } | undefined {
  for (const symbol of Object.getOwnPropertySymbols(thread)) {
    const key = (thread as Record<symbol, unknown>)[symbol] as { sharedBuffer?: unknown } | null | undefined;
    const counters = key?.sharedBuffer;
    if (key && isCounters(counters)) return { key, counters };
  }
  return undefined;
}

/** What Piscina 4 keeps of a pool. */
interface Inside {
  readonly workers: Iterable<ThreadRecord>;
}
interface ThreadRecord {
  readonly sharedBuffer: ThreadCounters;
  /** Tasks handed to the thread whose answers main has not taken. */
  readonly taskInfos: { readonly size: number };
}

/**
 * Version 4 announces none of its threads and keeps them in a WeakMap, by the pool, out of which it takes them
 * whenever a property is read. For the length of one such reading, in which nothing else runs, we see what it gets.
 */
function insideOf(pool: PiscinaLike): Inside | undefined {
  const { get } = WeakMap.prototype;
  const asItWas = Object.getOwnPropertyDescriptor(WeakMap.prototype, 'get') as PropertyDescriptor;
  let inside: Inside | undefined;
  const value = function (this: WeakMap<object, unknown>, key: object): unknown {
    const got = get.call(this, key);
    if (key === pool && isInside(got)) inside = got;
    return got;
  };
  // `false` in a realm whose prototypes are frozen.
  if (!Reflect.defineProperty(WeakMap.prototype, 'get', { configurable: true, writable: true, value }))
    return undefined;
  try {
    void pool.completed;
  } catch {
    // An app's own way to read its pool may throw: that is told when the pool is sampled.
  } finally {
    Object.defineProperty(WeakMap.prototype, 'get', asItWas);
  }
  return inside;
}

function isInside(value: unknown): value is Inside {
  const workers = (value as Partial<Inside> | null | undefined)?.workers;
  return (
    typeof workers?.[Symbol.iterator] === 'function' &&
    [...workers].every(
      (thread) => isCounters(thread.sharedBuffer) && typeof thread.taskInfos?.size === 'number',
    )
  );
}

function isCounters(value: unknown): value is ThreadCounters {
  return value instanceof Int32Array && value.buffer instanceof SharedArrayBuffer && value.length >= 2;
}

/** Version 4: at each reading, looks which threads there are. */
function followThreads(inside: Inside, pool: PiscinaLike, events: PoolEvents): Threads {
  let known: readonly ThreadRecord[] = [];
  let counters: readonly ThreadCounters[] = [];
  let version = 0;
  let base = 0;

  function change(now: readonly ThreadRecord[]): void {
    for (const thread of known) if (!now.includes(thread)) base += answered(thread.sharedBuffer);
    known = now;
    const told = now.map((thread) => thread.sharedBuffer);
    counters = told;
    const toldAs = ++version;
    // The first reading is a part of the watch's beginning.
    queueMicrotask(() => events.onThreads(told, toldAs));
  }

  return {
    visible() {
      const now = [...inside.workers];
      if (now.length !== known.length || now.some((thread, i) => thread !== known[i])) change(now);
      return counters;
    },
    version: () => version,
    completedBase() {
      const quiet = known.every(
        (thread) => thread.taskInfos.size === 0 && running(thread.sharedBuffer) === 0,
      );
      if (quiet) base = pool.completed - sumOf(counters, answered);
      return base;
    },
    stop() {},
  };
}
