import type { PiscinaLike, PoolOptions, PoolSampler } from './pools/types.js';
import type { Address } from './shared/protocol.js';
import type { SlowTask } from './shared/slow-task.js';
import type { Stall } from './shared/stall.js';

export type { MetricsRegistry, WatchdogOptions } from './options/types.js';
export type { PiscinaLike, PoolOptions, PoolSample, PoolSampler } from './pools/types.js';
export type { Cause } from './shared/labels.js';
export type { Address } from './shared/protocol.js';
export type { SlowTask } from './shared/slow-task.js';
export type { Frame, HotFrame, RequestContext, StackSample, Stall } from './shared/stall.js';
export type {
  History,
  HistorySeries,
  LoopState,
  LoopStatus,
  PoolStatus,
  Series,
  StallBand,
  Status,
} from './shared/status.js';
export type { DumpedThread, SystemThread, ThreadActivity, ThreadDump } from './shared/thread-dump.js';

/** Events of a {@link Watchdog}. */
export interface WatchdogEvents {
  /** A stall is over. Comes with the loop's recovery, within a fraction of a second. */
  stall: [stall: Stall];
  /**
   * A task of a pool has run for as long as the pool's `slowTask` says. While the main thread is frozen log
   * and journal have it at once, listeners when the loop turns again.
   */
  slowTask: [task: SlowTask];
}

/** A pool as the main thread last saw it. Numbers of tasks; NaN if the pool cannot be read. */
export interface PoolPressure {
  /**
   * Tasks that run. NaN also where it cannot be known: of Piscina's inside nothing can be reached in a realm
   * whose prototypes are frozen.
   */
  readonly active: number;
  /** Tasks that can run at once; Infinity if there is no limit. */
  readonly capacity: number;
  /** Tasks that wait. */
  readonly queued: number;
}

/** How hard it goes for the main thread now. */
export interface Pressure {
  /**
   * The longest time in milliseconds for which one turn held the loop in about the last second, the turn in
   * progress included: what a request has to wait that arrives when it begins.
   */
  readonly lagMs: number;
  /**
   * Part of the last second or so for which the loop was held, 0 to 1. High is not bad by itself: see
   * `lagMs`.
   */
  readonly utilization: number;
  /** The pools under watch, by name. */
  readonly pools: Readonly<Record<string, PoolPressure>>;
  /** How long the latest probe waited for a thread of libuv's pool, or waits by now, in milliseconds. */
  readonly threadpoolDelayMs: number;
}

/** A running watchdog. */
export interface Watchdog extends AsyncDisposable {
  /**
   * Where the sidecar listens, once it does. Rejects with a {@link WatchdogError} if it cannot (`EADDRINUSE`,
   * `EACCES`, `ERR_WATCHDOG_TLS_UNUSABLE`, ...) and goes on trying; that is also one process warning, and
   * never an unhandled rejection. Reading it keeps the process alive until it is settled.
   */
  readonly ready: Promise<Address>;
  /**
   * Watches a Piscina pool, until the returned function is called. A pool without threads, closed or
   * destroyed, leaves its name to the next that asks for it.
   * @param name value of the `pool` label, 1 to 64 characters, none of them a control character, unique; at
   * most 32 pools
   * @param options `slowTask`: tell of tasks that run for so long
   * @returns a function that ends the watch
   * @throws WatchdogError `ERR_WATCHDOG_INVALID_ARGUMENT`, `ERR_WATCHDOG_INVALID_OPTION`,
   * `ERR_WATCHDOG_DUPLICATE_POOL`, `ERR_WATCHDOG_TOO_MANY_POOLS`, or `ERR_WATCHDOG_CLOSED`
   * @example
   * ```ts
   * import { Piscina } from 'piscina';
   * import { startWatchdog } from 'event-loop-watchdog';
   *
   * const watchdog = startWatchdog(9464);
   * const images = new Piscina({ filename: '/srv/app/resize.js' });
   * watchdog.watchPool(images, 'images', { slowTask: 30_000 });
   * watchdog.on('slowTask', ({ file, ranMs, culprit }) => console.warn(file, ranMs, culprit));
   * ```
   */
  watchPool(pool: PiscinaLike, name: string, options?: PoolOptions): () => void;
  /**
   * Watches any other pool by a sampler.
   * @param name value of the `pool` label, 1 to 64 characters, none of them a control character, unique; at
   * most 32 pools
   * @returns a function that ends the watch
   * @throws WatchdogError `ERR_WATCHDOG_INVALID_ARGUMENT`, `ERR_WATCHDOG_DUPLICATE_POOL`,
   * `ERR_WATCHDOG_TOO_MANY_POOLS`, or `ERR_WATCHDOG_CLOSED`
   * @example
   * ```ts
   * import { startWatchdog } from 'event-loop-watchdog';
   *
   * // As pg.Pool has them.
   * const pool = { options: { max: 10 }, totalCount: 4, idleCount: 1, waitingCount: 0 };
   * const unwatch = startWatchdog(9464).watchPool('pg', () => ({
   *   capacity: pool.options.max,
   *   active: pool.totalCount - pool.idleCount,
   *   queued: pool.waitingCount,
   * }));
   * unwatch();
   * ```
   */
  watchPool(name: string, sampler: PoolSampler): () => void;
  /**
   * Calls `listener` at each event of that name, on the main thread. What it throws is a process warning.
   * @throws WatchdogError `ERR_WATCHDOG_INVALID_ARGUMENT` for another event, or what is no function
   * @example
   * ```ts
   * import { startWatchdog } from 'event-loop-watchdog';
   *
   * startWatchdog(9464).on('stall', ({ cause, durationMs, culprit }) => {
   *   console.warn(`blocked for ${durationMs} ms (${cause}) by ${culprit?.function}`);
   * });
   * ```
   */
  on<E extends keyof WatchdogEvents>(event: E, listener: (...args: WatchdogEvents[E]) => void): this;
  /** As `on`, for the next such event only. */
  once<E extends keyof WatchdogEvents>(event: E, listener: (...args: WatchdogEvents[E]) => void): this;
  /** Takes a listener away that `on` or `once` has added; of one that was added twice, the latest. */
  off<E extends keyof WatchdogEvents>(event: E, listener: (...args: WatchdogEvents[E]) => void): this;
  /**
   * Runs known long work: counted in the loop's time, lag and delay, but not as a stall. If `work` returns a
   * promise, until that is settled.
   * @example
   * ```ts
   * import { startWatchdog } from 'event-loop-watchdog';
   *
   * const watchdog = startWatchdog(9464);
   * const rows: string[] = watchdog.pause(() => JSON.parse('["a known, long text"]'));
   * await watchdog.pause(async () => rows.sort());
   * ```
   */
  pause<T>(work: () => T): T;
  /**
   * How hard it goes for the main thread: cheap enough (under 2 µs on average at a thousand requests a
   * second) to be asked at each, in order to turn some away before all come too late. All zero once closed.
   * @example
   * ```ts
   * import { createServer } from 'node:http';
   * import { startWatchdog } from 'event-loop-watchdog';
   *
   * const watchdog = startWatchdog(9464);
   * createServer((_request, response) => {
   *   // What waits by now would come too late.
   *   response.statusCode = watchdog.pressure().lagMs > 250 ? 503 : 200;
   *   response.end();
   * });
   * ```
   */
  pressure(): Pressure;
  /**
   * The text of the sidecar's `/metrics`, in the text format 0.0.4, for an app that serves its own. Rejects with a
   * {@link WatchdogError} while there is no sidecar (`ERR_WATCHDOG_SIDECAR_FAILED`), if it does not answer
   * within five seconds (`ERR_WATCHDOG_TIMEOUT`), or after `close()` (`ERR_WATCHDOG_CLOSED`).
   * @example
   * ```ts
   * import { createServer } from 'node:http';
   * import { startWatchdog } from 'event-loop-watchdog';
   *
   * const watchdog = startWatchdog(9464);
   * createServer(async (_request, response) => {
   *   response.setHeader('content-type', 'text/plain; version=0.0.4; charset=utf-8');
   *   response.end(await watchdog.metrics());
   * });
   * ```
   */
  metrics(): Promise<string>;
  /**
   * Stops the heartbeat, the server and the sidecar. Idempotent; never rejects.
   * @example
   * ```ts
   * import { startWatchdog } from 'event-loop-watchdog';
   *
   * const watchdog = startWatchdog(9464);
   * process.once('SIGTERM', () => watchdog.close());
   * ```
   */
  close(): Promise<void>;
}

/** Settings of {@link watchThread}. */
export interface ThreadOptions {
  /**
   * In a thread of a Piscina pool: the pool's option of that name, which lets its threads' event loops turn
   * while they have no task.
   * @defaultValue none: such threads are refused
   */
  readonly atomics?: 'disabled' | 'async' | undefined;
  /**
   * Which request runs when this thread is looked at, as the option of `startWatchdog` says it of main's.
   * @defaultValue true
   */
  readonly context?: boolean | (() => unknown) | undefined;
}

/** A worker thread under watch. */
export interface WatchedThread extends Disposable {
  /**
   * Resolves once the sidecar counts this thread. Rejects with a {@link WatchdogError} if it cannot
   * (`ERR_WATCHDOG_DUPLICATE_THREAD`, `ERR_WATCHDOG_TOO_MANY_THREADS`; it joins when there is room;
   * `ERR_WATCHDOG_UNWATCHABLE_THREAD`: another version of this package), which is a process warning, too; if
   * no watchdog answers within five seconds (`ERR_WATCHDOG_TIMEOUT`): it joins when one is started; or after
   * `close()` (`ERR_WATCHDOG_CLOSED`). Never an unhandled rejection.
   */
  readonly ready: Promise<void>;
  /** As {@link Watchdog.pause}, for this thread. */
  pause<T>(work: () => T): T;
  /** Ends the watch; so does the end of the thread. Idempotent. */
  close(): void;
}
