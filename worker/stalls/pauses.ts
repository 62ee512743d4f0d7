import type { ThreadTimes } from '../proc.js';

/** The sidecar's own timer is this late at least before it asks why. */
const SUSPICIOUS_MS = 50;
const PAUSES_MAX = 32;

interface Pause {
  readonly fromMs: number;
  readonly toMs: number;
}

/**
 * Tells when the whole process stood still (SIGSTOP, a frozen cgroup, a suspended machine): the sidecar's own timer is
 * late though its thread neither ran nor waited for a CPU meanwhile.
 */
export function createPauseBook(readOwnTimes: () => ThreadTimes | undefined): {
  /** Judges a look that came `lateMs` too late. Returns the length of the pause, 0 if it was none. */
  note(nowMs: number, lateMs: number): number;
  pausedBetween(fromMs: number, toMs: number): number;
} {
  const pauses: Pause[] = [];
  let before = readOwnTimes();
  return {
    note(nowMs, lateMs) {
      const own = readOwnTimes();
      const worked = own && before ? own.cpuMs - before.cpuMs + (own.runQueueMs - before.runQueueMs) : 0;
      before = own;
      if (lateMs < SUSPICIOUS_MS || worked > lateMs / 2) return 0;
      pauses.push({ fromMs: nowMs - lateMs, toMs: nowMs });
      if (pauses.length > PAUSES_MAX) pauses.shift();
      return lateMs;
    },
    pausedBetween: (fromMs, toMs) =>
      pauses.reduce(
        (sum, pause) => sum + Math.max(0, Math.min(pause.toMs, toMs) - Math.max(pause.fromMs, fromMs)),
        0,
      ),
  };
}
