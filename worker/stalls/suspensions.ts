import type { ThreadTimes } from '../system/thread.js';

/** The sidecar's own timer is this late at least, for no reason of its own, before a suspension is told. */
const TOLD_FROM_MS = 50;
/**
 * Twice in a row, and suspensions of this length are watched out for, and told. One alone may be the
 * machine's hiccup.
 */
const SUSPICIOUS_MS = 20;
/** Two are in a row if no more lies between; watched out for so long after the latest. */
const WARY_MS = 1000;
/** How many suspensions are told apart. */
const PAUSES_MAX = 1024;
/** Of a process that is stopped again and again they are put together when there are too many. */
const NEIGHBOURS_MS = 1000;

/** What a suspension held up comes back within this time of its end. */
const TOGETHER_MS = 50;

interface Suspension {
  /** The last moment at which the process is known to have run. */
  readonly afterMs: number;
  /** The first at which it is known to have stood still. */
  readonly fromMs: number;
  readonly toMs: number;
  /** For so much of the time between. */
  readonly suspendedMs: number;
}

/** For how long the process stood still within a stretch of time. */
export interface Suspended {
  readonly surelyMs: number;
  /** If what was asleep in it until it ended was stopped, too. */
  readonly likelyMs: number;
}

export interface Suspensions {
  /** Judges a poll that came `lateMs` too late. Returns the length of the suspension, 0 if it was none. */
  note(nowMs: number, lateMs: number): number;
  suspendedBetween(fromMs: number, toMs: number): Suspended;
  /**
   * Whether to poll often, every {@link PULSE_MS}: a process that is stopped and continued in slices, as
   * cpulimit does it, makes a timer late only if the timer falls into a slice.
   */
  isWary(nowMs: number): boolean;
}

/** Of slices of some ten milliseconds most is seen. */
export const PULSE_MS = 10;

/**
 * Tells when the whole process stood still (SIGSTOP, a frozen cgroup; of a suspended machine Linux' clock
 * tells nothing): the sidecar's own timer is late though its thread neither ran nor waited for a CPU
 * meanwhile, nor for a disk.
 * @param readKeptMs for how long calls of its own that wait for a disk have kept it
 */
export function createSuspensions(
  readOwnTimes: () => ThreadTimes | undefined,
  readKeptMs: () => number,
): Suspensions {
  let suspensions: Suspension[] = [];
  let suspiciousMs = Number.NEGATIVE_INFINITY;
  let waryUntilMs = Number.NEGATIVE_INFINITY;
  let before = { atMs: Number.NEGATIVE_INFINITY, keptMs: readKeptMs(), own: readOwnTimes() };

  /** A stall that began after the last poll and ended with the suspension lay in it as a whole. */
  function likelyIn(suspension: Suspension, fromMs: number, toMs: number): number {
    const inside = fromMs >= suspension.afterMs && Math.abs(toMs - suspension.toMs) <= TOGETHER_MS;
    return inside ? toMs - fromMs : surelyIn(suspension, fromMs, toMs);
  }

  function surelyIn(suspension: Suspension, fromMs: number, toMs: number): number {
    const overlapMs = Math.max(0, Math.min(suspension.toMs, toMs) - Math.max(suspension.fromMs, fromMs));
    return (overlapMs * suspension.suspendedMs) / (suspension.toMs - suspension.fromMs);
  }

  function add(suspension: Suspension): void {
    suspensions.push(suspension);
    if (suspensions.length <= PAUSES_MAX) return;
    suspensions = mergeNeighbours(suspensions).slice(-PAUSES_MAX);
  }

  return {
    note(nowMs, lateMs) {
      const { atMs, keptMs, own } = before;
      before = { atMs: nowMs, keptMs: readKeptMs(), own: readOwnTimes() };
      const workedMs = own && before.own ? workOf(before.own) - workOf(own) : 0;
      const suspendedMs = lateMs - workedMs - (before.keptMs - keptMs);
      if (suspendedMs < SUSPICIOUS_MS) return 0;
      if (nowMs - suspendedMs - suspiciousMs < WARY_MS) waryUntilMs = nowMs + WARY_MS;
      suspiciousMs = nowMs;
      if (suspendedMs < TOLD_FROM_MS && nowMs >= waryUntilMs) return 0;
      add({ afterMs: atMs, fromMs: nowMs - suspendedMs, toMs: nowMs, suspendedMs });
      return suspendedMs;
    },
    suspendedBetween(fromMs, toMs) {
      const sum = (of: typeof surelyIn): number =>
        suspensions.reduce((total, suspension) => total + of(suspension, fromMs, toMs), 0);
      return { surelyMs: sum(surelyIn), likelyMs: sum(likelyIn) };
    },
    isWary: (nowMs) => nowMs < waryUntilMs,
  };
}

const workOf = ({ cpuMs, runQueueMs }: ThreadTimes): number => cpuMs + runQueueMs;

/** Two by two, so that the count halves and no suspension comes to stand for much more time than it took. */
function mergeNeighbours(suspensions: readonly Suspension[]): Suspension[] {
  const merged: Suspension[] = [];
  for (let i = 0; i < suspensions.length; i++) {
    const one = suspensions[i] as Suspension;
    const next = suspensions[i + 1];
    if (next && next.fromMs - one.toMs < NEIGHBOURS_MS) {
      merged.push({ ...one, toMs: next.toMs, suspendedMs: one.suspendedMs + next.suspendedMs });
      i++;
    } else merged.push(one);
  }
  return merged;
}
