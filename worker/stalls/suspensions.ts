import type { ThreadTimes } from '../system/thread.js';

/** The sidecar's own timer is this late at least, for no reason of its own, before a pause is told. */
const TOLD_FROM_MS = 50;
/** Twice in a row, and pauses of this length are watched out for, and told. One alone may be the machine's hiccup. */
const SUSPICIOUS_MS = 20;
/** Two are in a row if no more lies between; watched out for so long after the latest. */
const WARY_MS = 1000;
/** How many pauses are told apart. */
const PAUSES_MAX = 1024;
/** Of a process that is stopped again and again they are put together when there are too many. */
const NEIGHBOURS_MS = 1000;

/** What a pause held up comes back within this time of its end. */
const TOGETHER_MS = 50;

interface Pause {
  /** The last moment at which the process is known to have run. */
  readonly afterMs: number;
  /** The first at which it is known to have stood still. */
  readonly fromMs: number;
  readonly toMs: number;
  /** For so much of the time between. */
  readonly pausedMs: number;
}

/** For how long the process stood still within a stretch of time. */
export interface Suspended {
  readonly surelyMs: number;
  /** If what was asleep in it until it ended was stopped, too. */
  readonly likelyMs: number;
}

export interface PauseBook {
  /** Judges a look that came `lateMs` too late. Returns the length of the pause, 0 if it was none. */
  note(nowMs: number, lateMs: number): number;
  suspendedBetween(fromMs: number, toMs: number): Suspended;
  /**
   * Whether to look often, every {@link PULSE_MS}: a process that is stopped and continued in slices, as cpulimit does it, makes
   * a timer late only if the timer falls into a slice.
   */
  isWary(nowMs: number): boolean;
}

/** Of slices of some ten milliseconds most is seen. */
export const PULSE_MS = 10;

/**
 * Tells when the whole process stood still (SIGSTOP, a frozen cgroup; of a suspended machine Linux' clock tells
 * nothing): the sidecar's own timer is late though its thread neither ran nor waited for a CPU meanwhile, nor for a disk.
 * @param readKeptMs for how long calls of its own that wait for a disk have kept it
 */
export function createPauseBook(
  readOwnTimes: () => ThreadTimes | undefined,
  readKeptMs: () => number,
): PauseBook {
  let pauses: Pause[] = [];
  let suspiciousMs = Number.NEGATIVE_INFINITY;
  let waryUntilMs = Number.NEGATIVE_INFINITY;
  let before = { atMs: Number.NEGATIVE_INFINITY, keptMs: readKeptMs(), own: readOwnTimes() };

  /** A stall that began after the last look and ended with the pause lay in it as a whole. */
  function likelyIn(pause: Pause, fromMs: number, toMs: number): number {
    const inside = fromMs >= pause.afterMs && Math.abs(toMs - pause.toMs) <= TOGETHER_MS;
    return inside ? toMs - fromMs : surelyIn(pause, fromMs, toMs);
  }

  function surelyIn(pause: Pause, fromMs: number, toMs: number): number {
    const overlapMs = Math.max(0, Math.min(pause.toMs, toMs) - Math.max(pause.fromMs, fromMs));
    return (overlapMs * pause.pausedMs) / (pause.toMs - pause.fromMs);
  }

  function add(pause: Pause): void {
    pauses.push(pause);
    if (pauses.length <= PAUSES_MAX) return;
    pauses = mergeNeighbours(pauses).slice(-PAUSES_MAX);
  }

  return {
    note(nowMs, lateMs) {
      const { atMs, keptMs, own } = before;
      before = { atMs: nowMs, keptMs: readKeptMs(), own: readOwnTimes() };
      const workedMs = own && before.own ? workOf(before.own) - workOf(own) : 0;
      const pausedMs = lateMs - workedMs - (before.keptMs - keptMs);
      if (pausedMs < SUSPICIOUS_MS) return 0;
      if (nowMs - pausedMs - suspiciousMs < WARY_MS) waryUntilMs = nowMs + WARY_MS;
      suspiciousMs = nowMs;
      if (pausedMs < TOLD_FROM_MS && nowMs >= waryUntilMs) return 0;
      add({ afterMs: atMs, fromMs: nowMs - pausedMs, toMs: nowMs, pausedMs });
      return pausedMs;
    },
    suspendedBetween(fromMs, toMs) {
      const sum = (of: typeof surelyIn): number =>
        pauses.reduce((total, pause) => total + of(pause, fromMs, toMs), 0);
      return { surelyMs: sum(surelyIn), likelyMs: sum(likelyIn) };
    },
    isWary: (nowMs) => nowMs < waryUntilMs,
  };
}

const workOf = ({ cpuMs, runQueueMs }: ThreadTimes): number => cpuMs + runQueueMs;

/** Two by two, so that the count halves and no pause comes to stand for much more time than it took. */
function mergeNeighbours(pauses: readonly Pause[]): Pause[] {
  const merged: Pause[] = [];
  for (let i = 0; i < pauses.length; i++) {
    const one = pauses[i] as Pause;
    const next = pauses[i + 1];
    if (next && next.fromMs - one.toMs < NEIGHBOURS_MS) {
      merged.push({ ...one, toMs: next.toMs, pausedMs: one.pausedMs + next.pausedMs });
      i++;
    } else merged.push(one);
  }
  return merged;
}
