/**
 * What a sampler says of a pool now. All are numbers of tasks, finite (but for `capacity`) and not negative.
 */
export interface PoolSample {
  /** Tasks that can run at once. `Infinity`: no limit, and so neither capacity nor saturation. */
  readonly capacity: number;
  /** Tasks that run now. */
  readonly active: number;
  /** Tasks that wait for a place. */
  readonly queued: number;
  /**
   * Tasks finished, if the pool counts them. Less than before: what counts was made anew, and is counted on.
   */
  readonly completed?: number | undefined;
}

/** Reads a pool. Runs on the main thread up to twenty times a second: it must be cheap. */
export type PoolSampler = () => PoolSample;

/** What is needed of a Piscina pool, version 4 or 5. */
export interface PiscinaLike {
  /** Tasks that wait for a thread. */
  readonly queueSize: number;
  /** Tasks finished since the pool was made. */
  readonly completed: number;
  /** The pool's worker threads that are alive. */
  readonly threads: readonly unknown[];
  /** The pool's settings, defaults filled in. */
  readonly options: {
    /** Threads that it may have at most. */
    readonly maxThreads: number;
    /** Tasks that one thread may run at once. */
    readonly concurrentTasksPerWorker: number;
    /** Tasks that may wait; `auto` is the square of `maxThreads`, infinity is no limit. */
    readonly maxQueue: number | 'auto';
  };
  /** Adds a listener, such as of `workerCreate`. */
  // biome-ignore lint/suspicious/noExplicitAny: the listener's shape differs between the versions
  on(event: string, listener: (...args: any[]) => void): unknown;
  /** Takes a listener away. */
  // biome-ignore lint/suspicious/noExplicitAny: as above
  off(event: string, listener: (...args: any[]) => void): unknown;
}

/** Settings of `watchPool()` for a Piscina pool. */
export interface PoolOptions {
  /**
   * A task that has run for so many milliseconds, 100 and up, is looked at and told of, once (see
   * `SlowTask`), main frozen or not.
   * @defaultValue none are looked at
   */
  readonly slowTask?: number | undefined;
}
