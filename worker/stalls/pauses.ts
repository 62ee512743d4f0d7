import type { ThreadTimes } from '../proc.js';

/** The sidecar's own timer is this late at least before it asks why. */
const SUSPICIOUS_MS = 50;
const PAUSES_MAX = 32;

/** What a pause held up comes back within this time of its end. */
const TOGETHER_MS = 50;

interface Pause {
  /** The last moment at which the process is known to have run. */
  readonly afterMs: number;
  /** The first at which it is known to have stood still. */
  readonly fromMs: number;
  readonly toMs: number;
}

/**
 * Tells when the whole process stood still (SIGSTOP, a frozen cgroup; of a suspended machine Linux' clock tells
 * nothing): the sidecar's own timer is late though its thread neither ran nor waited for a CPU meanwhile.
 */
export function createPauseBook(readOwnTimes: () => ThreadTimes | undefined): {
  /** Judges a look that came `lateMs` too late. Returns the length of the pause, 0 if it was none. */
  note(nowMs: number, lateMs: number): number;
  pausedBetween(fromMs: number, toMs: number): number;
} {
  const pauses: Pause[] = [];
  let before = readOwnTimes();
  let lastLookMs = Number.NEGATIVE_INFINITY;

  /** A stall that began after the last look and ended with the pause lay in it as a whole. */
  function overlap(pause: Pause, fromMs: number, toMs: number): number {
    const inside = fromMs >= pause.afterMs && Math.abs(toMs - pause.toMs) <= TOGETHER_MS;
    if (inside) return toMs - fromMs;
    return Math.max(0, Math.min(pause.toMs, toMs) - Math.max(pause.fromMs, fromMs));
  }

  return {
    note(nowMs, lateMs) {
      const afterMs = lastLookMs;
      lastLookMs = nowMs;
      const own = readOwnTimes();
      const worked = own && before ? own.cpuMs - before.cpuMs + (own.runQueueMs - before.runQueueMs) : 0;
      before = own;
      if (lateMs < SUSPICIOUS_MS || worked > lateMs / 2) return 0;
      pauses.push({ afterMs, fromMs: nowMs - lateMs, toMs: nowMs });
      if (pauses.length > PAUSES_MAX) pauses.shift();
      return lateMs;
    },
    pausedBetween: (fromMs, toMs) => pauses.reduce((sum, pause) => sum + overlap(pause, fromMs, toMs), 0),
  };
}
