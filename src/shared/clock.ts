import { performance } from 'node:perf_hooks';

// Taken once at load: test libraries with fake timers replace `performance.now` on the object itself.
const performanceNow: () => number = performance.now.bind(performance);

/**
 * What to add to this thread's `performance.now()` to get {@link now}. Each thread's `performance.now()` has an
 * origin of its own; `process.hrtime` has one origin for the whole process.
 */
export const CLOCK_OFFSET_MS: number = Number(process.hrtime.bigint()) / 1e6 - performanceNow();

/**
 * Milliseconds on the one monotonic clock that all threads of the process share. Never steps with the system
 * clock. On Linux it stands still while the machine is suspended.
 */
export function now(): number {
  return performanceNow() + CLOCK_OFFSET_MS;
}

/** The wall-clock time, in milliseconds since the epoch, of a moment on the shared clock. */
export function wallClockOf(momentMs: number): number {
  return Date.now() - (now() - momentMs);
}
