import type { POOL_LEDGER, PoolValues } from '../../src/shared/layout.js';
import type { PoolEntry } from '../../src/shared/protocol.js';
import type { SlowWatch, TaskName } from '../../src/shared/slow-task.js';
import type { Ledger } from '../counters.js';
import type { ThreadNow, ThreadView } from './threads.js';
import { openTold } from './told.js';

/** A task that runs, the oldest of its thread that is not told. */
export interface RunningTask {
  readonly threadId: number;
  /** When it was handed out, or was first seen, if main has not said. */
  readonly startMs: number;
  /** What it runs; `undefined` if that cannot be known now. */
  readonly name: TaskName | undefined;
  /** Answers that its thread has given so far; wraps. */
  readonly answered: number;
}

/** The tasks of one pool as far as they may take too long. */
export interface SlowView {
  /** Milliseconds. */
  readonly afterMs: number;
  /** How many were told; `undefined` while the threads cannot be told apart. */
  readonly count: number | undefined;
  /** News of the pool. */
  follow(entry: PoolEntry, views: readonly ThreadView[]): void;
  /** What the threads were just seen to be at; none if that is in doubt. */
  note(threads: readonly ThreadNow[], frozen: boolean): void;
  /** As of then. */
  running(): readonly RunningTask[];
  stillRuns(task: RunningTask): boolean;
  /** Counts it: it is told now. */
  told(task: RunningTask): void;
}

export function openSlowView(
  ledger: Ledger<(typeof POOL_LEDGER)['fields']>,
  read: () => PoolValues,
): SlowView {
  const told = openTold(ledger);
  let watch: SlowWatch = { afterMs: Number.POSITIVE_INFINITY, byDefault: undefined, names: [] };
  let visible = false;
  let views: readonly ThreadView[] = [];
  let seen: readonly ThreadNow[] = [];
  let mainFrozen = false;

  function runningOn({ counters, threadId }: ThreadView, i: number): RunningTask[] {
    const untold = seen[i]?.untold;
    if (threadId === undefined || !untold || untold.startMs <= told.untilMs(threadId)) return [];
    const name = watch.names[untold.name] ?? defaultOf(watch);
    return [{ threadId, startMs: untold.startMs, name, answered: answersOf(counters) }];
  }

  return {
    get afterMs() {
      return watch.afterMs;
    },
    get count() {
      return visible ? ledger.get('slowTasks') : undefined;
    },
    follow(entry, threads) {
      watch = entry.slow ?? watch;
      visible = entry.threads !== undefined;
      views = threads;
      seen = [];
      // Of threads that cannot be seen now it is kept what was told.
      if (visible) told.follow(views.map(({ threadId }) => threadId));
    },
    note(threads, frozen) {
      seen = threads;
      mainFrozen = frozen;
    },
    running: () => views.flatMap(runningOn),
    stillRuns({ threadId, startMs, answered }) {
      const i = views.findIndex((view) => view.threadId === threadId);
      const view = views[i];
      if (!view) return false;
      if (answersOf(view.counters) === answered) return Atomics.load(view.counters, 0) !== answered;
      // Another that the thread runs besides may have ended: main knows.
      return !mainFrozen && read().untoldAtMs[i] === startMs;
    },
    told: ({ threadId, startMs }) => told.add(threadId, startMs),
  };
}

const answersOf = (counters: Int32Array): number => Atomics.load(counters, 1);

/** What a task runs of which main has not said it: as all others do. */
function defaultOf({ byDefault, names }: SlowWatch): TaskName | undefined {
  const isDefault = ({ file, name }: TaskName): boolean =>
    file === byDefault?.file && name === byDefault.name;
  return names.every(isDefault) ? byDefault : undefined;
}
