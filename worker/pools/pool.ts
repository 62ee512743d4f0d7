import { latenessOf } from '../../src/shared/lateness.js';
import { type LoopStats, openReader, POOL, POOL_LEDGER, type PoolValues } from '../../src/shared/layout.js';
import type { PoolEntry } from '../../src/shared/protocol.js';
import { type Ledger, openLedger, wallTimeOf } from '../counters.js';
import { followTimes, type TaskTimes } from './task-times.js';
import { oldestOf, sampleThreads, type ThreadView, viewThreads } from './threads.js';

/**
 * A pool's state at one moment. NaN or `undefined`: this pool has no such number, or nobody can know it now.
 */
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
export class PoolView {
  /** The same object for the life of the pool. */
  readonly labels: { readonly pool: string };
  readonly #read: () => PoolValues;
  readonly #ledger: Ledger<(typeof POOL_LEDGER)['fields']>;
  readonly #times: { readonly run: () => TaskTimes; readonly wait: () => TaskTimes } | undefined;
  #entry: PoolEntry;
  #threads: readonly ThreadView[] = [];
  #sampledAtMs = 0;
  #state: PoolState | undefined;

  constructor(entry: PoolEntry, clock: () => number) {
    this.#entry = entry;
    this.labels = { pool: entry.name };
    this.#read = openReader(POOL, entry.memory);
    this.#ledger = openLedger(POOL_LEDGER, entry.ledger);
    this.#times = entry.times && {
      run: followTimes(entry.times.run, this.#ledger, 'run', clock),
      wait: followTimes(entry.times.wait, this.#ledger, 'wait', clock),
    };
    this.update(entry);
  }

  get name(): string {
    return this.#entry.name;
  }

  /** Threads that main knows to be gone, so far. */
  get removed(): number {
    return this.#read().removed;
  }

  /** As of the last look; `undefined` if that failed. */
  get state(): PoolState | undefined {
    return this.#state;
  }

  update(entry: PoolEntry): void {
    this.#entry = entry;
    this.#threads = viewThreads(entry.threads ?? [], this.#threads);
  }

  /**
   * Samples the pool: notes new tasks, charges time starved.
   * @param lost a thread of the process, whose nobody knows, has ended and main has not heard of it
   */
  sample(nowMs: number, stats: LoopStats, lost: boolean): PoolState {
    this.#state = undefined;
    const snapshot = this.#read();
    const isLive =
      this.#entry.threads !== undefined && snapshot.threadsVersion === this.#entry.threadsVersion;
    const live = isLive ? this.#sampleLive(nowMs, stats, snapshot, lost) : undefined;
    const { capacity, active, completed } = live ?? snapshot;
    const limited = capacity !== undefined && capacity > 0 && Number.isFinite(capacity);
    this.#state = {
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
      // A live count may run ahead of main's, which corrects it.
      completed: Number.isNaN(completed) ? Number.NaN : this.#ledger.raise('completed', completed),
      run: this.#times?.run(),
      wait: this.#times?.wait(),
    };
    return this.#state;
  }

  #sampleLive(nowMs: number, stats: LoopStats, snapshot: PoolValues, lost: boolean): Live {
    const lateMs = latenessOf(nowMs, stats.dueMs, stats.lastMarkMs);
    const frozen = lateMs > 0;
    const now = sampleThreads(this.#threads, snapshot, nowMs, frozen);
    const doubtful = frozen && lost && now.running > 0;
    // Main has handed out tasks since it last wrote how many wait: in the very turn that is frozen.
    const queueSize = frozen && now.requests !== snapshot.requests ? undefined : snapshot.queueSize;
    const sinceSampleMs = this.#sampledAtMs === 0 ? 0 : nowMs - this.#sampledAtMs;
    this.#sampledAtMs = nowMs;
    // Tasks wait, a thread would take one, and main, which alone hands them out, is late: that time is lost
    // to the pool.
    if (queueSize !== undefined && queueSize > 0 && now.free) {
      this.#ledger.add('dispatchBlockedMs', Math.min(lateMs, sinceSampleMs));
    }
    return {
      capacity: now.capacity,
      active: doubtful ? undefined : now.running,
      queueSize,
      completed: snapshot.completed + now.unsettled,
      oldestTaskMs: doubtful ? undefined : oldestOf(now.threads, nowMs),
      dispatchBlockedMs: this.#ledger.get('dispatchBlockedMs'),
    };
  }

  /** When main wrote this, in milliseconds since the epoch; NaN if it has not. */
  wallTimeOf({ snapshotAtMs }: PoolState): number {
    return snapshotAtMs > 0 ? wallTimeOf(this.#ledger, 'snapshotAt', snapshotAtMs) : Number.NaN;
  }
}
