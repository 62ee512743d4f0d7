import { latenessOf } from '../src/shared/lateness.js';
import { type HeartValues, openReader, POOL, POOL_LEDGER, type PoolValues } from '../src/shared/layout.js';
import type { PoolEntry, ThreadCounters } from '../src/shared/protocol.js';
import { type Ledger, openLedger, wallTimeOf } from './ledger.js';

/** A pool's state at one moment. NaN or `undefined`: this pool has no such number. */
export interface PoolState extends PoolValues {
  /** Milliseconds; 0 when nothing runs. */
  readonly oldestTaskMs: number | undefined;
  readonly starvedMs: number | undefined;
}

/** Requests that a thread has been handed and when each was first seen; answered ones are dropped. */
interface ThreadView {
  readonly counters: ThreadCounters;
  requests: number;
  since: readonly number[];
}

/**
 * One pool as the sidecar sees it: main's latest snapshot, and what each thread runs at this very moment, which the
 * threads count themselves, main frozen or not.
 */
export class PoolView {
  /** The same object for the life of the pool. */
  readonly labels: { readonly pool: string };
  readonly #read: () => PoolValues;
  readonly #ledger: Ledger<(typeof POOL_LEDGER)['fields']>;
  #entry: PoolEntry;
  #threads: readonly ThreadView[] = [];
  #lookedAtMs = 0;

  constructor(entry: PoolEntry) {
    this.#entry = entry;
    this.labels = { pool: entry.name };
    this.#read = openReader(POOL, entry.memory);
    this.#ledger = openLedger(POOL_LEDGER, entry.ledger);
    this.update(entry);
  }

  get name(): string {
    return this.#entry.name;
  }

  update(entry: PoolEntry): void {
    this.#entry = entry;
    this.#threads = (entry.threads ?? []).map(
      (counters) =>
        this.#threads.find((thread) => thread.counters.buffer === counters.buffer) ?? {
          counters,
          // What runs already is aged from the first look.
          requests: Atomics.load(counters, 1),
          since: [],
        },
    );
  }

  /** Looks at the pool: notes new tasks, charges time starved. Returns its state. */
  look(nowMs: number, heart: HeartValues): PoolState {
    const snapshot = this.#read();
    const live = this.#entry.threads !== undefined && snapshot.threadsVersion === this.#entry.threadsVersion;
    if (!live) return { ...this.#raised(snapshot), oldestTaskMs: undefined, starvedMs: undefined };

    let active = 0;
    let responses = 0;
    let oldestMs = nowMs;
    for (const thread of this.#threads) {
      // Responses first: a task handed out and answered between the two reads must not give a negative count.
      const answered = Atomics.load(thread.counters, 1);
      const requests = Atomics.load(thread.counters, 0);
      const running = requests - answered;
      const fresh = new Array<number>(Math.min(requests - thread.requests, running)).fill(nowMs);
      // Tasks of one thread are taken to end in the order in which they came.
      thread.since = running > 0 ? [...thread.since, ...fresh].slice(-running) : [];
      thread.requests = requests;
      active += running;
      responses += answered;
      oldestMs = Math.min(oldestMs, thread.since[0] ?? nowMs);
    }
    const state = {
      ...snapshot,
      active,
      completed: Math.max(snapshot.completed, snapshot.completedBase + responses),
    };
    this.#chargeStarved(nowMs, heart, state);
    return {
      ...this.#raised(state),
      oldestTaskMs: nowMs - oldestMs,
      starvedMs: this.#ledger.get('starvedMs'),
    };
  }

  /** When main wrote this, in milliseconds since the epoch; NaN if it has not. */
  wallTimeOf({ snapshotAtMs }: PoolState): number {
    return snapshotAtMs > 0 ? wallTimeOf(this.#ledger, 'snapshotAt', snapshotAtMs) : Number.NaN;
  }

  /** Tasks wait, threads idle, and main, which alone hands tasks out, is late: that time is lost to the pool. */
  #chargeStarved(nowMs: number, heart: HeartValues, state: PoolValues): void {
    const lateMs = latenessOf(nowMs, heart.dueMs, heart.lastMarkMs);
    const sinceLookMs = this.#lookedAtMs === 0 ? 0 : nowMs - this.#lookedAtMs;
    this.#lookedAtMs = nowMs;
    if (state.queueSize > 0 && state.active < state.capacity) {
      this.#ledger.add('starvedMs', Math.min(lateMs, sinceLookMs));
    }
  }

  /** Counters at their high-water mark: a live count may run ahead of main's, which corrects it. */
  #raised(state: PoolValues): PoolValues {
    const raise = (field: 'completed' | 'runMs' | 'runCount' | 'waitMs' | 'waitCount'): number =>
      Number.isNaN(state[field]) ? Number.NaN : this.#ledger.raise(field, state[field]);
    return {
      ...state,
      completed: raise('completed'),
      runMs: raise('runMs'),
      runCount: raise('runCount'),
      waitMs: raise('waitMs'),
      waitCount: raise('waitCount'),
    };
  }
}
