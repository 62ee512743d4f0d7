import type { Histogram } from 'node:perf_hooks';
import { CLOCK_OFFSET_MS } from '../shared/clock.js';
import { POOL_THREADS_MAX } from '../shared/layout.js';
import type { ThreadCounters } from '../shared/protocol.js';
import type { PiscinaLike, PoolSample, PoolSampler } from '../types.js';
import { insideOf, listenForThreads, type ThreadRecord } from './piscina-inside.js';

/** What a look at a pool yields; what a pool does not have is left out. */
export interface PoolReading {
  /** Infinity: no limit. */
  readonly capacity: number;
  readonly active?: number | undefined;
  readonly queueSize: number;
  readonly queueLimit?: number | undefined;
  readonly threads?: number | undefined;
  readonly completed?: number | undefined;
  /** What the threads are at, where that can be seen. */
  readonly inside?: ThreadsReading | undefined;
}

export interface ThreadsReading {
  /** Changes with the set of threads. */
  readonly version: number;
  /** Threads that were in the set and are not any more, so far. */
  readonly removed: number;
  readonly counters: readonly ThreadCounters[];
  /** One for each of the counters. */
  readonly notes: readonly ThreadNote[];
  readonly tasksPerThread: number;
  /** Whether tasks that can be aborted have been seen. */
  readonly abortable: boolean;
}

/** What main alone knows of a thread. */
export interface ThreadNote {
  /** Responses that main has taken, of those that the thread counts; wraps as they do. */
  readonly settled: number;
  /** Tasks handed out whose response main has not taken. */
  readonly tasks: number;
  /** When the oldest of them was handed out, on the shared clock; NaN if there is none. */
  readonly oldestAtMs: number;
  /** Whether it is at a task that can be aborted: it gets no other meanwhile. */
  readonly filled: boolean;
  /** Whether it may still be booting. */
  readonly booting: boolean;
}

export interface PoolReader {
  /** @throws if the pool cannot be read */
  read(): PoolReading;
  /** Tasks that wait, and tasks handed to threads so far (an Int32, which wraps): cheap enough for each turn. */
  readonly glance?: { queueSize(): number; requests(): number };
  /** How long its tasks ran and waited. */
  readonly times?: { readonly run: Histogram; readonly wait: Histogram } | undefined;
  /** Whether it has no threads any more: it was closed or destroyed, and may be used again. */
  ended(): boolean;
  stop(): void;
}

export interface PoolEvents {
  /** Threads came or went. */
  onThreads(): void;
  onClose(): void;
}

/** Reads a pool by the user's function. */
export function readSampler(sampler: PoolSampler): PoolReader {
  let completedBefore = 0;
  let lastCompleted = 0;

  function number(value: unknown, name: string, kind = 'a finite number'): number {
    const endless = value === Number.POSITIVE_INFINITY && kind === 'a finite number';
    if (typeof value === 'number' && value >= 0 && !endless) return value;
    throw new TypeError(`its sampler must give ${kind} of 0 or more as ${name}, but gave ${String(value)}`);
  }

  /** What is below the sampler may be made anew, and begins to count anew: what was counted is kept. */
  function inAll(completed: number): number {
    if (completed < lastCompleted) completedBefore += lastCompleted;
    lastCompleted = completed;
    return completedBefore + completed;
  }

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
        capacity: number(of('capacity'), 'capacity', 'a number'),
        active: number(of('active'), 'active'),
        queueSize: number(of('queued'), 'queued'),
        completed: completed === undefined ? undefined : inAll(number(completed, 'completed')),
      };
    },
    ended: () => false,
    stop() {},
  };
}

/** What Piscina 5 shows beyond {@link PiscinaLike}. */
interface PiscinaExtras {
  readonly idleThreads?: number;
}

/**
 * Reads a Piscina pool: queue and threads from its public properties; what each thread runs, and for how long, from what
 * Piscina keeps of it and from the two counters that it shares with its thread, where they can be reached.
 */
export function readPiscina(pool: PiscinaLike & PiscinaExtras, events: PoolEvents): PoolReader {
  const inside = insideOf(pool);
  const announced = inside ? undefined : listenForThreads(pool);
  let records: readonly ThreadRecord[] | undefined;
  let version = 0;
  let removed = 0;
  let abortable = false;
  let hadThreads = false;
  let closed = false;
  let told = true;

  function onThread(): void {
    if (!told) return;
    told = false;
    // Once for a batch: a new pool brings all its first threads in one go.
    queueMicrotask(() => {
      told = true;
      events.onThreads();
    });
  }
  function onClose(): void {
    closed = true;
    events.onClose();
  }
  pool.on('workerCreate', onThread);
  pool.on('workerDestroy', onThread);
  pool.on('close', onClose);

  /** Looks which threads there are now. */
  function follow(): void {
    const seen = inside ? [...inside.workers] : announced?.records();
    const now = seen && seen.length <= POOL_THREADS_MAX ? seen : undefined;
    const same = now?.length === records?.length && (now ?? []).every((one, i) => one === records?.[i]);
    if (same) return;
    removed += sumOf(records ?? [], (one) => (now?.includes(one) ? 0 : 1));
    records = now;
    version++;
  }

  function readThreads(): ThreadsReading | undefined {
    if (!records) return undefined;
    const notes = records.map(noteOf);
    abortable ||= (inside?.skipQueue.length ?? 0) > 0 || notes.some((note) => note.filled);
    return {
      version,
      removed,
      counters: records.map((one) => one.sharedBuffer),
      notes,
      tasksPerThread: pool.options.concurrentTasksPerWorker,
      abortable,
    };
  }

  /** Threads that are at something: their tasks, if each takes one at a time. */
  function busyThreads(): number | undefined {
    if (!announced || pool.idleThreads === undefined || pool.options.concurrentTasksPerWorker > 1)
      return undefined;
    return Math.max(0, announced.ready() - pool.idleThreads);
  }

  return {
    read() {
      follow();
      const { queueSize, completed, options } = pool;
      const threads = pool.threads.length;
      if (threads > 0) [hadThreads, closed] = [true, false];
      const threadsReading = readThreads();
      return {
        capacity: capacityOf(options, threadsReading?.notes ?? []),
        active: threadsReading ? sumOf(threadsReading.notes, (note) => note.tasks) : busyThreads(),
        queueSize,
        queueLimit: Number.isFinite(options.maxQueue) ? (options.maxQueue as number) : undefined,
        threads,
        completed,
        inside: threadsReading,
      };
    },
    glance: {
      queueSize: () => pool.queueSize,
      requests() {
        let sum = 0;
        for (const one of records ?? []) sum += requestsOf(one);
        return sum | 0;
      },
    },
    times: inside?.times,
    ended: () => (closed || hadThreads) && pool.threads.length === 0 && pool.queueSize === 0,
    stop() {
      pool.off('workerCreate', onThread);
      pool.off('workerDestroy', onThread);
      pool.off('close', onClose);
      announced?.stop();
    },
  };
}

/** Tasks that can run at once. One that can be aborted has its thread for itself. */
function capacityOf(options: PiscinaLike['options'], notes: readonly ThreadNote[]): number {
  const { concurrentTasksPerWorker } = options;
  const lost = concurrentTasksPerWorker - 1;
  // Threads are added while there are fewer than the maximum, which need not be whole (1.5 per CPU).
  const most = Math.ceil(options.maxThreads) * concurrentTasksPerWorker;
  return Number.isFinite(most) ? most - sumOf(notes, (note) => (note.filled ? lost : 0)) : most;
}

function noteOf(thread: ThreadRecord): ThreadNote {
  const { size } = thread.taskInfos;
  const [oldest] = thread.taskInfos.values();
  return {
    // Main counts a request when it notes the task, and strikes the task out when it takes the response.
    settled: (requestsOf(thread) - size) | 0,
    tasks: size,
    oldestAtMs: oldest ? oldest.started + CLOCK_OFFSET_MS : Number.NaN,
    filled: size === 1 && oldest?.abortSignal != null,
    booting: thread.isReady?.() === false,
  };
}

/** Main is the only one to write it: no need for Atomics. */
const requestsOf = ({ sharedBuffer }: ThreadRecord): number => sharedBuffer[0] as number;

function sumOf<T>(all: readonly T[], count: (one: T) => number): number {
  return all.reduce((sum, one) => sum + count(one), 0);
}
