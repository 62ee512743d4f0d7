import type { Cause } from '../../src/shared/labels.js';

/** What a stall's time went into, in milliseconds. Absent: cannot be known here. */
export interface Evidence {
  /** On a CPU, garbage collection included. */
  readonly cpuMs?: number;
  /** Runnable, but no CPU was free, or the quota was used up. */
  readonly runQueueMs?: number;
  /** Asleep: in a system call, or waiting for a lock. */
  readonly sleepMs?: number;
  readonly gcMs: number;
  /** The whole process stood still. */
  readonly suspendedMs: number;
}

/**
 * From this part of a stall on, waiting for a CPU is its cause: the thread waited twice as long as it did
 * anything else, and would have been three times as fast alone. Under it the machine made a stall longer, but
 * did not make it.
 */
const STARVED_FROM = 2 / 3;

/**
 * The cause of a stall: a lack of CPU, if that is what it mostly was, else whatever took the largest part.
 * Without the system's accounts (not Linux) only what Node.js and the sidecar know themselves can be told, if
 * it took most of the time.
 */
export function classify(durationMs: number, evidence: Evidence): Cause {
  const { cpuMs, runQueueMs, sleepMs, gcMs, suspendedMs } = evidence;
  if (cpuMs === undefined || runQueueMs === undefined || sleepMs === undefined) {
    if (suspendedMs > durationMs / 2) return 'suspended';
    return gcMs > durationMs / 2 ? 'gc' : 'unknown';
  }
  if (runQueueMs >= STARVED_FROM * durationMs) return 'starved';
  // Collections are timed by the clock: they waited for a CPU as much as the rest of the stall did. What
  // remains of them main ran itself, or slept through while V8's helper threads did the work.
  const collectingMs = Math.min(gcMs * (1 - runQueueMs / durationMs), durationMs - runQueueMs - suspendedMs);
  const parts: readonly (readonly [Cause, number])[] = [
    ['suspended', suspendedMs],
    ['gc', collectingMs],
    ['cpu', cpuMs - collectingMs],
    // A stopped process neither runs nor waits: its pause would look like sleep.
    ['blocked', sleepMs - suspendedMs - Math.max(0, collectingMs - cpuMs)],
  ];
  return parts.reduce((most, part) => (part[1] > most[1] ? part : most))[0];
}

/** The cause of what is left of a stall without the time for which the process stood still. */
export function classifyRest(durationMs: number, evidence: Evidence): Cause {
  const { sleepMs, suspendedMs } = evidence;
  return classify(durationMs - suspendedMs, {
    ...evidence,
    ...(sleepMs !== undefined && { sleepMs: sleepMs - suspendedMs }),
    suspendedMs: 0,
  });
}
