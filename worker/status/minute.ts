import type { LoopAccounts } from '../loops/loop.js';
import { activeMsOf, shareOf } from './activity.js';
import { type Delays, delaysOf, quantileMs } from './quantile.js';

const EVERY_MS = 10_000;
const MINUTE_MS = 60_000;
/** Of less than this nothing is said. */
const WINDOW_MIN_MS = 1000;

export type MinuteLoop = Pick<LoopAccounts, 'ledger' | 'stats'>;

/** How main's loop fared over the last minute or so. */
export interface Minute {
  /** Of so many milliseconds it is; less in the first minute. */
  readonly ms: number;
  readonly delayP99Ms: number;
  /** 0 to 1. */
  readonly utilization: number;
}

export interface LastMinute {
  /** To be called about once a second. */
  note(nowMs: number, loop: MinuteLoop): void;
  of(nowMs: number, loop: MinuteLoop): Minute | undefined;
}

interface Mark extends Delays {
  readonly atMs: number;
  readonly activeMs: number;
}

const markOf = (nowMs: number, { ledger, stats }: MinuteLoop): Mark => ({
  ...delaysOf(ledger),
  atMs: nowMs,
  activeMs: activeMsOf(nowMs, stats),
});

/** Keeps the counts of each ten seconds: 10 KB. */
export function createLastMinute(): LastMinute {
  const marks: Mark[] = [];
  return {
    note(nowMs, loop) {
      if (
        loop.stats.loopStartedAtMs === 0 ||
        nowMs - (marks.at(-1)?.atMs ?? Number.NEGATIVE_INFINITY) < EVERY_MS
      )
        return;
      marks.push(markOf(nowMs, loop));
      // The youngest that is older than a minute stays.
      while (marks[1] && nowMs - marks[1].atMs >= MINUTE_MS) marks.shift();
    },
    of(nowMs, loop) {
      const [from] = marks;
      if (!from || nowMs - from.atMs < WINDOW_MIN_MS) return undefined;
      const to = markOf(nowMs, loop);
      const ms = nowMs - from.atMs;
      return {
        ms,
        delayP99Ms: quantileMs(0.99, from, to),
        utilization: shareOf((to.activeMs - from.activeMs) / ms),
      };
    },
  };
}
