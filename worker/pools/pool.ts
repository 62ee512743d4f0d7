import { latenessOf } from '../../src/shared/lateness.js';
import { type LoopStats, POOL, POOL_LEDGER, type PoolValues } from '../../src/shared/layout.js';
import type { PoolEntry } from '../../src/shared/protocol.js';
import { openReader } from '../../src/shared/regions.js';
import { type Ledger, openLedger, wallTimeOf } from '../counters.js';
import { openSlowView, type SlowView } from './slow-view.js';
import { followTimes, type TaskTimes } from './task-times.js';
import {
  oldestOf,
  sampleThreads,
  type ThreadNow,
  type ThreadTasks,
  type ThreadView,
  tasksOf,
  viewThreads,
} from './threads.js';

/** A pool's state at one moment. NaN or `undefined`: there is no such number, or nobody can know it now. */
export interface PoolState {
  readonly snapshotAtMs: number;
  readonly capacity: number | undefined;
  readonly active: number | undefined;
  readonly saturation: number | undefined;
  readonly queueSize: number | undefined;
  readonly queueLimit: number;
  readonly threads: number;
  readonly completed: number;
  readonly run: TaskTimes | undefined;
  readonly wait: TaskTimes | undefined;
  /** Milliseconds; 0 when nothing runs. */
  readonly oldestTaskMs: number | undefined;
  readonly dispatchBlockedMs: number | undefined;
}

/** What of the state the threads' counters tell. */
type Live = Pick<
  PoolState,
  'capacity' | 'active' | 'queueSize' | 'completed' | 'oldestTaskMs' | 'dispatchBlockedMs'
>;

/**
 * One pool as the sidecar sees it: main's latest snapshot, and what each thread runs at this very moment,
 * which the threads count themselves, main frozen or not.
 */
export interface PoolView {
  readonly name: string;
  /** The same object for the life of the pool. */
  readonly labels: { readonly pool: string };
  /** Threads that main knows to be gone, so far. */
  readonly removed: number;
  /** As of the last sample; `undefined` if that failed. */
  readonly state: PoolState | undefined;
  /** Its threads as of the last sample; none where they cannot be told apart. */
  readonly tasks: readonly ThreadTasks[];
  /** `undefined`: its tasks may take as long as they like. */
  readonly slow: SlowView | undefined;
  update(entry: PoolEntry): void;
  /**
   * Samples the pool: notes new tasks, charges time in which main hands nothing out.
   * @param lost a thread of the process, whose nobody knows, has ended and main has not heard of it
   */
  sample(nowMs: number, stats: LoopStats, lost: boolean): PoolState;
  /** When main wrote this, in milliseconds since the epoch; NaN if it has not. */
  wallTimeOf(state: PoolState): number;
}

export function openPool(opened: PoolEntry, clock: () => number): PoolView {
  const labels = { pool: opened.name };
  const read = openReader(POOL, opened.memory);
  const ledger = openLedger(POOL_LEDGER, opened.ledger);
  const times = opened.times && {
    run: followTimes(opened.times.run, ledger, 'run', clock),
    wait: followTimes(opened.times.wait, ledger, 'wait', clock),
  };
  const chargeBlocked = openBlockedTime(ledger);
  let entry = opened;
  let threads = viewThreads(entry.threads ?? [], []);
  let state: PoolState | undefined;
  /** What the threads are surely at. */
  let seen: readonly ThreadNow[] | undefined;
  const slow = opened.slow && openSlowView(ledger, read);
  slow?.follow(opened, threads);

  return {
    labels,
    get name() {
      return entry.name;
    },
    get removed() {
      return read().removed;
    },
    get state() {
      return state;
    },
    get tasks() {
      return tasksOf(threads, seen);
    },
    slow,
    update(latest) {
      entry = latest;
      threads = viewThreads(entry.threads ?? [], threads);
      seen = undefined;
      slow?.follow(entry, threads);
    },
    sample(nowMs, stats, lost) {
      state = seen = undefined;
      slow?.note([], false);
      const snapshot = read();
      const isLive = entry.threads !== undefined && snapshot.threadsVersion === entry.threadsVersion;
      const live = isLive ? sampleLive(threads, { nowMs, stats, snapshot, lost }, chargeBlocked) : undefined;
      seen = live?.threads;
      slow?.note(seen ?? [], isFrozen(nowMs, stats));
      state = {
        ...stateOf(snapshot, live?.numbers),
        // A live count may run ahead of main's, which corrects it.
        completed: raiseKnown(ledger, (live?.numbers ?? snapshot).completed),
        run: times?.run(),
        wait: times?.wait(),
      };
      return state;
    },
    wallTimeOf: ({ snapshotAtMs }) =>
      snapshotAtMs > 0 ? wallTimeOf(ledger, 'snapshotAt', snapshotAtMs) : Number.NaN,
  };
}

type PoolLedger = Ledger<(typeof POOL_LEDGER)['fields']>;

const raiseKnown = (ledger: PoolLedger, completed: number): number =>
  Number.isNaN(completed) ? Number.NaN : ledger.raise('completed', completed);

function stateOf(
  snapshot: PoolValues,
  live: Live | undefined,
): Omit<PoolState, 'completed' | 'run' | 'wait'> {
  const { capacity, active } = live ?? snapshot;
  const limited = capacity !== undefined && capacity > 0 && Number.isFinite(capacity);
  return {
    snapshotAtMs: snapshot.snapshotAtMs,
    queueSize: snapshot.queueSize,
    queueLimit: snapshot.queueLimit,
    threads: snapshot.threads,
    oldestTaskMs: undefined,
    dispatchBlockedMs: undefined,
    ...live,
    capacity: limited || capacity === 0 ? capacity : undefined,
    active,
    saturation: limited && active !== undefined ? active / capacity : undefined,
  };
}

const isFrozen = (nowMs: number, { dueMs, lastMarkMs }: LoopStats): boolean =>
  latenessOf(nowMs, dueMs, lastMarkMs) > 0;

/** What the threads' counters are read beside. */
interface Moment {
  readonly nowMs: number;
  readonly stats: LoopStats;
  readonly snapshot: PoolValues;
  readonly lost: boolean;
}

function sampleLive(
  threads: readonly ThreadView[],
  { nowMs, stats, snapshot, lost }: Moment,
  chargeBlocked: ReturnType<typeof openBlockedTime>,
): { readonly numbers: Live; readonly threads: readonly ThreadNow[] | undefined } {
  const lateMs = latenessOf(nowMs, stats.dueMs, stats.lastMarkMs);
  const frozen = lateMs > 0;
  const now = sampleThreads(threads, snapshot, nowMs, frozen);
  const doubtful = frozen && lost && now.running > 0;
  // Main has handed out tasks since it last wrote how many wait: in the very turn that is frozen.
  const queueSize = frozen && now.requests !== snapshot.requests ? undefined : snapshot.queueSize;
  const blocked = (queueSize ?? 0) > 0 && now.free;
  const numbers: Live = {
    capacity: now.capacity,
    active: doubtful ? undefined : now.running,
    queueSize,
    completed: snapshot.completed + now.unsettled,
    oldestTaskMs: doubtful ? undefined : oldestOf(now.threads, nowMs),
    dispatchBlockedMs: chargeBlocked(nowMs, blocked ? lateMs : 0),
  };
  return { numbers, threads: doubtful ? undefined : now.threads };
}

/**
 * The time that is lost to the pool: tasks wait, a thread would take one, and main, which alone hands them
 * out, is late. Returns all of it.
 */
function openBlockedTime(ledger: PoolLedger): (nowMs: number, blockedMs: number) => number {
  let sampledAtMs = 0;
  return (nowMs, blockedMs) => {
    const sinceSampleMs = sampledAtMs === 0 ? 0 : nowMs - sampledAtMs;
    sampledAtMs = nowMs;
    ledger.add('dispatchBlockedMs', Math.min(blockedMs, sinceSampleMs));
    return ledger.get('dispatchBlockedMs');
  };
}
