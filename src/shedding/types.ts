import type { Pressure } from '../types.js';

/** What is needed of a watchdog. */
export interface PressureSource {
  /** How hard it goes for the main thread now. */
  pressure(): Pressure;
}

/** Settings of `shedLoad`. Durations are milliseconds. */
export interface SheddingOptions<Request> {
  /**
   * Shedding begins when a turn of the loop takes longer than this many milliseconds, above 0, and the loop is
   * busy for nine tenths of a second besides. Infinity: never for that.
   * @defaultValue 150
   */
  readonly maxLag?: number | undefined;
  /**
   * Shedding while more tasks than this wait in any one pool that is watched, 0 and up. Looked at twenty times
   * a second at most.
   * @defaultValue Infinity: never for that
   */
  readonly maxQueued?: number | undefined;
  /**
   * When a client that was turned away should come again, in milliseconds, 0 to 86,400,000; told as
   * `Retry-After`, in whole seconds.
   * @defaultValue 2000
   */
  readonly retryAfter?: number | undefined;
  /**
   * Requests for which this is true are never turned away: health checks, say. Asked only when a request
   * would be.
   * @defaultValue none
   */
  readonly except?: ((request: Request) => boolean) | undefined;
  /**
   * Whose pressure counts.
   * @defaultValue the watchdog that runs in this process, however it was started. As long as there is none
   * all requests pass, and one process warning (`WATCHDOG_NOT_RUNNING`) says so.
   */
  readonly watchdog?: PressureSource | undefined;
}
