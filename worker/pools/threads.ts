import type { PoolValues } from '../../src/shared/layout.js';
import type { PoolThread, ThreadCounters } from '../../src/shared/protocol.js';

/** Requests that a thread has been handed and when each was first seen; answered ones are dropped. */
export interface ThreadView {
  readonly counters: ThreadCounters;
  readonly threadId: number | undefined;
  /** As of the last sample; what ran at the first is aged from there, if main says nothing of it. */
  requests: number | undefined;
  since: readonly number[];
}

/** What a thread is at. */
export interface ThreadNow {
  /** Tasks. */
  readonly running: number;
  /** When the oldest of them began; `undefined` when none runs. */
  readonly sinceMs: number | undefined;
  /** Whether that is so; else it began then or later. */
  readonly certain: boolean;
  /** The oldest task that surely runs and that main takes for not told; a pool may not tell of tasks. */
  readonly untold: UntoldTask | undefined;
}

export interface UntoldTask {
  /** When it was handed out, or was first seen, if main has not said. */
  readonly startMs: number;
  /** The number of its name; -1: it has none, or main has not said. */
  readonly name: number;
}

export interface ThreadsNow {
  readonly running: number;
  /** Responses given that main has not taken. */
  readonly unsettled: number;
  readonly requests: number;
  /** Tasks that can run at once; `undefined` if that cannot be known now. */
  readonly capacity: number | undefined;
  /** Whether a thread would take one more of the tasks that wait. */
  readonly free: boolean;
  readonly threads: readonly ThreadNow[];
}

export function viewThreads(threads: readonly PoolThread[], known: readonly ThreadView[]): ThreadView[] {
  return threads.map(
    (one) =>
      known.find(({ counters }) => counters.buffer === one.counters.buffer) ?? {
        ...one,
        requests: undefined,
        since: [],
      },
  );
}

/** What a thread of a pool is at; `undefined`: nobody can know it now. */
export interface ThreadTasks {
  /** As `node:worker_threads` counts. */
  readonly threadId: number;
  /** Tasks that it runs. */
  readonly running: number | undefined;
  /** When the oldest of them was handed out, on the shared clock; `undefined` also if none runs. */
  readonly sinceMs: number | undefined;
}

/** @param now what the threads were seen to be at; `undefined` if that is in doubt */
export function tasksOf(
  views: readonly ThreadView[],
  now: readonly ThreadNow[] | undefined,
): readonly ThreadTasks[] {
  return views.flatMap(({ threadId }, i) => {
    const { running, sinceMs, certain = false } = now?.[i] ?? {};
    return threadId === undefined ? [] : [{ threadId, running, sinceMs: certain ? sinceMs : undefined }];
  });
}

/** Samples each thread: its counters now, beside what main last noted of it. */
export function sampleThreads(
  views: readonly ThreadView[],
  snapshot: PoolValues,
  nowMs: number,
  frozen: boolean,
): ThreadsNow {
  const { tasksPerThread } = snapshot;
  const threads: ThreadNow[] = [];
  let [running, unsettled, requests, free] = [0, 0, 0, false];
  let capacity: number | undefined = snapshot.capacity;
  views.forEach((view, i) => {
    const note = noteOf(snapshot, i);
    const counted = count(view, note, nowMs);
    const fills = fillsOf(counted, note, frozen);
    threads.push({ running: counted.running, ...oldest(view, counted, note, { frozen, tasksPerThread }) });
    running += counted.running;
    unsettled += counted.unsettled;
    requests += counted.requests;
    free ||=
      !note.booting && (counted.running === 0 || (!snapshot.abortable && counted.running < tasksPerThread));
    if (tasksPerThread === 1 || !Number.isFinite(tasksPerThread) || capacity === undefined) return;
    // Main has taken what a task that can be aborted costs off the capacity; that may have changed.
    if (fills === undefined) capacity = undefined;
    else capacity += (Number(note.filled) - Number(fills)) * (tasksPerThread - 1);
  });
  return { running, unsettled, requests: requests | 0, capacity, free, threads };
}

/** The age of the oldest task; `undefined` if one that may have ended may be older than all others. */
export function oldestOf(threads: readonly ThreadNow[], nowMs: number): number | undefined {
  let known = nowMs;
  let possible = nowMs;
  for (const { sinceMs, certain } of threads) {
    if (sinceMs === undefined) continue;
    if (certain) known = Math.min(known, sinceMs);
    else possible = Math.min(possible, sinceMs);
  }
  return possible < known ? undefined : nowMs - known;
}

interface Note {
  readonly settled: number;
  readonly tasks: number;
  readonly oldestAtMs: number;
  readonly filled: boolean;
  readonly booting: boolean;
  readonly untold: UntoldTask | undefined;
}

function noteOf(values: PoolValues, i: number): Note {
  const { settled, tasks, oldestAtMs, filled, booting, untoldAtMs, untoldName } = values;
  const startMs = untoldAtMs[i] as number;
  return {
    settled: settled[i] as number,
    tasks: tasks[i] as number,
    oldestAtMs: oldestAtMs[i] as number,
    filled: filled[i] === 1,
    booting: booting[i] === 1,
    untold: Number.isNaN(startMs) ? undefined : { startMs, name: untoldName[i] as number },
  };
}

interface Counted {
  readonly running: number;
  readonly unsettled: number;
  readonly requests: number;
  /** Tasks handed out since main's note. */
  readonly fresh: number;
}

function count(view: ThreadView, note: Note, nowMs: number): Counted {
  // Responses first: a task handed out and answered between the two reads must not give a negative count. A
  // thread that is not parked (`atomics` "disabled" or "async") may still answer before main has counted its
  // request, and main may have taken a response that the thread is about to count. And both counters wrap.
  const answered = Atomics.load(view.counters, 1);
  const requests = Atomics.load(view.counters, 0);
  const running = Math.max(0, (requests - answered) | 0);
  const unseen = Math.max(0, Math.min((requests - (view.requests ?? answered)) | 0, running));
  // Tasks that main's note does not tell of are taken to end in the order in which they came.
  view.since = running > 0 ? [...view.since, ...new Array<number>(unseen).fill(nowMs)].slice(-running) : [];
  view.requests = requests;
  return {
    running,
    requests,
    unsettled: Math.max(0, (answered - note.settled) | 0),
    fresh: Math.max(0, (requests - note.settled - note.tasks) | 0),
  };
}

/**
 * Whether it is at a task that can be aborted; `undefined` if main has handed it one task, of what kind
 * nobody knows.
 */
function fillsOf({ running, fresh, unsettled }: Counted, note: Note, frozen: boolean): boolean | undefined {
  if (running !== 1) return false;
  if (frozen && fresh > 0) return undefined;
  return note.filled && (!frozen || unsettled === 0);
}

/**
 * Since when the oldest task of a thread runs. Main notes when it handed out the oldest of which it has no
 * response; of several at once the thread does not tell which it has answered.
 */
function oldest(
  { since }: ThreadView,
  { running, unsettled }: Counted,
  note: Note,
  { frozen, tasksPerThread }: { readonly frozen: boolean; readonly tasksPerThread: number },
): Omit<ThreadNow, 'running'> {
  if (running === 0) return { sinceMs: undefined, certain: true, untold: undefined };
  const oneByOne = tasksPerThread === 1 || note.filled;
  const allNew = note.tasks === 0 || (oneByOne && unsettled > 0);
  const [first] = since;
  if (allNew) return { sinceMs: first, certain: true, untold: untoldSince(first) };
  // While main turns, its note is a moment old.
  const certain = unsettled === 0 || !frozen;
  return { sinceMs: note.oldestAtMs, certain, untold: certain ? note.untold : undefined };
}

const untoldSince = (startMs: number | undefined): UntoldTask | undefined =>
  startMs === undefined ? undefined : { startMs, name: -1 };
