import { wallClockOf } from '../../src/shared/clock.js';
import type { CaptureResult } from '../../src/shared/labels.js';
import type { SlowTask } from '../../src/shared/slow-task.js';
import { createBudget } from '../captures/budget.js';
import type { Inspector } from '../captures/client.js';
import { culpritOf } from '../captures/culprit.js';
import type { StackCapture } from '../inspector/messages.js';
import type { PoolView } from './pool.js';
import type { RunningTask } from './slow-view.js';
import { whatRuns } from './what-runs.js';

/** A thread that gives no stack within this time is in native code, or main is, through which it is asked. */
const LOOK_MS = 5000;
/** So many threads are looked at at once; what becomes slow meanwhile is told without a stack. */
const LOOKS_MAX = 16;
/** A task begins at any time: to know of it when it becomes slow the pools are sampled so often at least. */
const SAMPLE_MS = 200;
/** Not sooner than this, however soon a task becomes slow. */
const SOONEST_MS = 5;

export interface SlowTasksOptions {
  readonly pools: () => readonly PoolView[];
  readonly now: () => number;
  readonly inspector: Inspector;
  /** For how long the whole process stood still. */
  readonly suspendedMs: (fromMs: number, toMs: number) => number;
  readonly onCapture: (result: CaptureResult) => void;
  /** Tasks are told without a stack, for this reason. */
  readonly onUnavailable: (reason: string) => void;
  readonly tell: (task: SlowTask) => void;
  readonly onError: () => void;
}

/** Finds the tasks of pools that run for too long, looks at each once, and tells of it. */
export interface SlowTasks {
  /**
   * After the pools were sampled.
   * @returns when to sample them again at the latest, in milliseconds
   */
  observe(nowMs: number): number;
}

type Seen = Omit<StackCapture, 'costMs'>;

export function watchSlowTasks(options: SlowTasksOptions): SlowTasks {
  const { now, suspendedMs } = options;
  const look = openLooks(options);
  /** Threads that are looked at: each for one task at a time. */
  const inHand = new Set<number>();

  const ranMs = ({ startMs }: RunningTask, nowMs: number): number =>
    nowMs - startMs - suspendedMs(startMs, nowMs);

  async function lookAndTell(pool: PoolView, task: RunningTask): Promise<void> {
    inHand.add(task.threadId);
    const known = {
      pool: pool.name,
      threadId: task.threadId,
      startedAt: new Date(wallClockOf(task.startMs)).toISOString(),
      ranMs: ranMs(task, now()),
    };
    const seen = judge(await look(task.threadId, inHand.size), pool.slow?.stillRuns(task) === true);
    inHand.delete(task.threadId);
    options.onCapture(seen.result);
    // Counted and told in one go: whoever succeeds us finds both or neither.
    pool.slow?.told(task);
    const culprit = culpritOf(seen.frames);
    options.tell({ ...known, ...whatRuns(task.name, seen.frames), ...seen, ...(culprit && { culprit }) });
  }

  function observePool(pool: PoolView, nowMs: number): number {
    const { afterMs = Number.POSITIVE_INFINITY } = pool.slow ?? {};
    let waitMs = Math.max(SAMPLE_MS, afterMs);
    for (const task of pool.slow?.running() ?? []) {
      if (inHand.has(task.threadId)) continue;
      const leftMs = afterMs - ranMs(task, nowMs);
      if (leftMs <= 0) lookAndTell(pool, task).catch(options.onError);
      else waitMs = Math.min(waitMs, Math.max(SOONEST_MS, leftMs));
    }
    return waitMs;
  }

  return {
    observe: (nowMs) => Math.min(...options.pools().map((pool) => observePool(pool, nowMs))),
  };
}

/** Looks into threads within a budget: they are reached through main. */
function openLooks({
  now,
  inspector,
  onUnavailable,
}: SlowTasksOptions): (threadId: number, looks: number) => Promise<Seen> {
  const budget = createBudget();
  return async (threadId, looks) => {
    const { unavailable } = inspector;
    if (unavailable !== undefined) {
      onUnavailable(unavailable);
      return { result: 'unavailable', frames: [] };
    }
    if (looks > LOOKS_MAX || !budget.allows(now(), false)) return { result: 'over_budget', frames: [] };
    const target = { threadId, loop: undefined, taskDirectory: undefined };
    const { costMs, ...seen } = await inspector.stack({ target, turn: undefined, deadlineMs: LOOK_MS });
    budget.spend(now(), costMs, false);
    return seen;
  };
}

/** The stack is the task's if that runs still; a thread that runs it and has no stack awaits something. */
function judge(seen: Seen, runs: boolean): Seen {
  if (seen.result === 'captured' && !runs) return { result: 'late', frames: [] };
  if (seen.result === 'late' && runs && seen.nativeMs === undefined)
    return { result: 'captured', frames: [] };
  return seen;
}
