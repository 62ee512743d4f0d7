import { CLOCK_OFFSET_MS } from '../shared/clock.js';
import { POOL_THREADS_MAX } from '../shared/layout.js';
import { insideOf, listenForThreads, type ThreadRecord } from './piscina-inside.js';
import type { PoolEvents, PoolReader, ThreadNote, ThreadsReading } from './reader.js';
import { nameOf } from './slow-notes.js';
import type { PiscinaLike } from './types.js';

/** What Piscina 5 shows beyond {@link PiscinaLike}. */
interface PiscinaExtras {
  readonly idleThreads?: number;
  readonly options: PiscinaLike['options'] & { readonly filename?: unknown; readonly name?: unknown };
}

/**
 * Reads a Piscina pool: queue and threads from its public properties; what each thread runs, and for how
 * long, from what Piscina keeps of it and from the two counters that it shares with its thread, where they
 * can be reached.
 */
export function readPiscina(pool: PiscinaLike & PiscinaExtras, events: PoolEvents): PoolReader {
  const inside = insideOf(pool);
  const announced = inside ? undefined : listenForThreads(pool);
  const threads = followThreads(() => (inside ? [...inside.workers] : announced?.records()));
  let abortable = false;
  let hadThreads = false;
  let closed = false;
  const stopListening = listenTo(pool, {
    onThreads: events.onThreads,
    onClose() {
      closed = true;
      events.onClose();
    },
  });

  function readThreads(): ThreadsReading | undefined {
    const { records, version, removed } = threads.now();
    if (!records) return undefined;
    const notes = records.map(noteOf);
    abortable ||= (inside?.skipQueue.length ?? 0) > 0 || notes.some((note) => note.filled);
    return {
      version,
      removed,
      threads: records.map((one) => ({ counters: one.sharedBuffer, threadId: one.worker?.threadId })),
      notes,
      tasksOf: (thread) => records[thread]?.taskInfos.values() ?? [],
      tasksPerThread: pool.options.concurrentTasksPerWorker,
      abortable,
    };
  }

  /** Threads that are at something: their tasks, if each takes one at a time. */
  function busyThreads(): number | undefined {
    const { idleThreads, options } = pool;
    if (!announced || idleThreads === undefined || options.concurrentTasksPerWorker > 1) return undefined;
    return Math.max(0, announced.ready() - idleThreads);
  }

  return {
    read() {
      threads.follow();
      const { queueSize, completed, options } = pool;
      const alive = pool.threads.length;
      if (alive > 0) [hadThreads, closed] = [true, false];
      const reading = readThreads();
      return {
        capacity: capacityOf(options, reading?.notes ?? []),
        active: reading ? sumOf(reading.notes, (note) => note.tasks) : busyThreads(),
        queueSize,
        queueLimit: Number.isFinite(options.maxQueue) ? (options.maxQueue as number) : undefined,
        threads: alive,
        completed,
        inside: reading,
      };
    },
    glance: { queueSize: () => pool.queueSize, requests: threads.requests },
    times: inside?.times,
    byDefault: nameOf(pool.options),
    ended: () => (closed || hadThreads) && pool.threads.length === 0 && pool.queueSize === 0,
    stop() {
      stopListening();
      announced?.stop();
    },
  };
}

/** Returns a function that ends it. */
function listenTo(pool: PiscinaLike, { onThreads, onClose }: PoolEvents): () => void {
  let told = true;
  function onThread(): void {
    if (!told) return;
    told = false;
    // Once for a batch: a new pool brings all its first threads in one go.
    queueMicrotask(() => {
      told = true;
      onThreads();
    });
  }
  pool.on('workerCreate', onThread);
  pool.on('workerDestroy', onThread);
  pool.on('close', onClose);
  return () => {
    pool.off('workerCreate', onThread);
    pool.off('workerDestroy', onThread);
    pool.off('close', onClose);
  };
}

interface ThreadsNow {
  /** `undefined` if they cannot be told apart. */
  readonly records: readonly ThreadRecord[] | undefined;
  readonly version: number;
  readonly removed: number;
}

/** Keeps which threads there are, and how many there were. */
function followThreads(find: () => readonly ThreadRecord[] | undefined): {
  /** Finds which there are by now. */
  follow(): void;
  /** As of then. */
  now(): ThreadsNow;
  /** Tasks handed to them so far; wraps. */
  requests(): number;
} {
  let records: readonly ThreadRecord[] | undefined;
  let version = 0;
  let removed = 0;
  return {
    follow() {
      const seen = find();
      const now = seen && seen.length <= POOL_THREADS_MAX ? seen : undefined;
      const same = now?.length === records?.length && (now ?? []).every((one, i) => one === records?.[i]);
      if (same) return;
      removed += sumOf(records ?? [], (one) => (now?.includes(one) ? 0 : 1));
      records = now;
      version++;
    },
    now: () => ({ records, version, removed }),
    requests() {
      let sum = 0;
      for (const one of records ?? []) sum += requestsOf(one);
      return sum | 0;
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
