import { latenessOf } from '../../src/shared/lateness.js';
import { type HeartValues, openReader, POOL, POOL_LEDGER, type PoolValues } from '../../src/shared/layout.js';
import type { PoolEntry } from '../../src/shared/protocol.js';
import { type Ledger, openLedger, wallTimeOf } from '../counters.js';
import { followTimes, type TaskTimes } from './task-times.js';
import { lookAtThreads, oldestOf, type ThreadView, viewThreads } from './threads.js';

/** A pool's state at one moment. NaN or `undefined`: this pool has no such number, or nobody can know it now. */
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
  readonly starvedMs: number | undefined;
}

/** What of the state the threads' counters tell. */
type Live = Pick<PoolState, 'capacity' | 'active' | 'queueSize' | 'completed' | 'oldestTaskMs' | 'starvedMs'>;

/**
 * One pool as the sidecar sees it: main's latest snapshot, and what each thread runs at this very moment, which the
 * threads count themselves, main frozen or not.
 */
export class PoolView {
  /** The same object for the life of the pool. */
  readonly labels: { readonly pool: string };
  readonly #read: () => PoolValues;
  readonly #ledger: Ledger<(typeof POOL_LEDGER)['fields']>;
  readonly #times: { readonly run: () => TaskTimes; readonly wait: () => TaskTimes } | undefined;
  #entry: PoolEntry;
  #threads: readonly ThreadView[] = [];
  #lookedAtMs = 0;
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
   * Looks at the pool: notes new tasks, charges time starved.
   * @param lost a thread of the process, whose nobody knows, has ended and main has not heard of it
   */
  look(nowMs: number, heart: HeartValues, lost: boolean): PoolState {
    this.#state = undefined;
    const snapshot = this.#read();
    const isLive =
      this.#entry.threads !== undefined && snapshot.threadsVersion === this.#entry.threadsVersion;
    const live = isLive ? this.#lookLive(nowMs, heart, snapshot, lost) : undefined;
    const { capacity, active, completed } = live ?? snapshot;
    const limited = capacity !== undefined && capacity > 0 && Number.isFinite(capacity);
    this.#state = {
      snapshotAtMs: snapshot.snapshotAtMs,
      queueSize: snapshot.queueSize,
      queueLimit: snapshot.queueLimit,
      threads: snapshot.threads,
      oldestTaskMs: undefined,
      starvedMs: undefined,
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

  #lookLive(nowMs: number, heart: HeartValues, snapshot: PoolValues, lost: boolean): Live {
    const lateMs = latenessOf(nowMs, heart.dueMs, heart.lastMarkMs);
    const frozen = lateMs > 0;
    const now = lookAtThreads(this.#threads, snapshot, nowMs, frozen);
    const doubtful = frozen && lost && now.running > 0;
    // Main has handed out tasks since it last wrote how many wait: in the very turn that is frozen.
    const queueSize = frozen && now.requests !== snapshot.requests ? undefined : snapshot.queueSize;
    const sinceLookMs = this.#lookedAtMs === 0 ? 0 : nowMs - this.#lookedAtMs;
    this.#lookedAtMs = nowMs;
    // Tasks wait, a thread would take one, and main, which alone hands them out, is late: that time is lost to the pool.
    if (queueSize !== undefined && queueSize > 0 && now.free) {
      this.#ledger.add('starvedMs', Math.min(lateMs, sinceLookMs));
    }
    return {
      capacity: now.capacity,
      active: doubtful ? undefined : now.running,
      queueSize,
      completed: snapshot.completed + now.unsettled,
      oldestTaskMs: doubtful ? undefined : oldestOf(now.threads, nowMs),
      starvedMs: this.#ledger.get('starvedMs'),
    };
  }

  /** When main wrote this, in milliseconds since the epoch; NaN if it has not. */
  wallTimeOf({ snapshotAtMs }: PoolState): number {
    return snapshotAtMs > 0 ? wallTimeOf(this.#ledger, 'snapshotAt', snapshotAtMs) : Number.NaN;
  }
}
