import { runInThisContext } from 'node:vm';
import { WatchdogError } from './errors.js';
import { RUNNING_KEY } from './shared/protocol.js';
import type { Watchdog } from './types.js';

/** On `globalThis`, since bundlers may load this package twice. */
const RUNNING: unique symbol = Symbol.for(RUNNING_KEY) as never;

export interface Running {
  readonly watchdog: Watchdog;
  /** Where this thread is; the sidecar asks, through the inspector. See `loop/look.ts`. */
  look(): string;
}

type Global = typeof globalThis & { [RUNNING]?: Running | undefined };

/** The inspector asks here. Jest gives each file of tests a global object of its own, and so a watchdog. */
const thread: Global = runInThisContext('globalThis');

/**
 * The watchdog that runs in this process, wherever it was started, if there is one.
 * @example
 * ```ts
 * import { getWatchdog } from 'event-loop-watchdog';
 *
 * // None where the app runs without it, in its tests, say.
 * const lagMs = getWatchdog()?.pressure().lagMs ?? 0;
 * ```
 */
export function getWatchdog(): Watchdog | undefined {
  return (globalThis as Global)[RUNNING]?.watchdog;
}

export function setRunning(running: Running | undefined): void {
  const own: Global = globalThis;
  const before = own[RUNNING];
  own[RUNNING] = running;
  if (own === thread) return;
  // A copy, for Jest takes apart what a file of tests has left on its global object. The latest counts.
  if (running) thread[RUNNING] = { ...running };
  else if (thread[RUNNING]?.look === before?.look) thread[RUNNING] = undefined;
}

/** @throws WatchdogError `ERR_WATCHDOG_ALREADY_STARTED` */
export function checkNoneRuns(): void {
  if (!getWatchdog()) return;
  throw new WatchdogError(
    'ERR_WATCHDOG_ALREADY_STARTED',
    'A watchdog is running in this process already; getWatchdog() returns it, close() ends it.',
  );
}
