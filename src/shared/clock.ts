import { performance } from 'node:perf_hooks';

// Taken once at load: test libraries with fake timers replace `performance.now` on the object itself.
const performanceNow: () => number = performance.now.bind(performance);

/** Enough for one that is not interrupted, and 3 µs in all. */
const OFFSET_READS = 16;

/**
 * What to add to `inner()` to get `outer()`. One is read between two reads of the other, several times, and
 * those that lie closest together count: a thread may lose its CPU between two reads, and would be wrong by
 * as much for life.
 */
export function offsetBetween(inner: () => number, outer: () => number): number {
  let offset = Number.NaN;
  let tightest = Number.POSITIVE_INFINITY;
  for (let i = 0; i < OFFSET_READS; i++) {
    const before = inner();
    const between = outer();
    const after = inner();
    if (after - before >= tightest) continue;
    tightest = after - before;
    offset = between - (before + after) / 2;
  }
  return offset;
}

/**
 * What to add to this thread's `performance.now()` to get {@link now}. Each thread's `performance.now()` has
 * an origin of its own; `process.hrtime` has one origin for the whole process.
 */
export const CLOCK_OFFSET_MS: number = offsetBetween(
  performanceNow,
  () => Number(process.hrtime.bigint()) / 1e6,
);

/**
 * Milliseconds on the one monotonic clock that all threads of the process share. Never steps with the system
 * clock. On Linux it stands still while the machine is suspended.
 */
export function now(): number {
  return performanceNow() + CLOCK_OFFSET_MS;
}

/**
 * A thread that loses its CPU between two clocks reads them at two moments: so many tries for a better pair.
 */
const PAIR_TRIES = 5;
const PAIR_GOOD_MS = 0.1;

/**
 * The wall-clock time, in milliseconds since the epoch, of a moment on the shared clock, as both clocks stand
 * now. Ask once for a moment and keep the answer: the system's clock may be set meanwhile.
 */
export function wallClockOf(momentMs: number): number {
  let wallMs = 0;
  for (let tries = 0, best = Number.POSITIVE_INFINITY; tries < PAIR_TRIES && best > PAIR_GOOD_MS; tries++) {
    const before = now();
    const date = Date.now();
    const span = now() - before;
    if (span >= best) continue;
    best = span;
    wallMs = date - (before + span / 2 - momentMs);
  }
  return wallMs;
}
