import { latenessOf } from '../../src/shared/lateness.js';
import type { LoopStats } from '../../src/shared/layout.js';
import type { Loop } from '../loops/loop.js';

/** For how long the loop has been held so far, the turn in progress included; NaN before its first turn. */
export function activeMsOf(
  nowMs: number,
  { loopStartedAtMs, delayMs, dueMs, lastMarkMs }: LoopStats,
): number {
  return loopStartedAtMs > 0 ? delayMs + latenessOf(nowMs, dueMs, lastMarkMs) : Number.NaN;
}

/** What is between 0 and 1. An estimate of the turn in progress may be corrected when that is over. */
export const shareOf = (share: number): number => Math.max(0, Math.min(1, share));

interface Mark {
  readonly atMs: number;
  readonly activeMs: number;
}

export type LoopActivity = Pick<Loop, 'stats'>;

/** What part of their time loops are held of late. */
export interface Activity {
  /** To be called about once a second. */
  note(nowMs: number, loops: readonly LoopActivity[]): void;
  /** Of the last second or so, 0 to 1; `undefined` of a loop that is new. */
  utilization(nowMs: number, loop: LoopActivity): number | undefined;
}

/** Of less than this nothing is said. */
const WINDOW_MIN_MS = 500;

export function createActivity(): Activity {
  /** The two latest of each loop. */
  const marks = new WeakMap<LoopActivity, { readonly latest: Mark; readonly before: Mark | undefined }>();
  return {
    note(nowMs, loops) {
      for (const loop of loops) {
        const latest = { atMs: nowMs, activeMs: activeMsOf(nowMs, loop.stats()) };
        marks.set(loop, { latest, before: marks.get(loop)?.latest });
      }
    },
    utilization(nowMs, loop) {
      const { latest, before } = marks.get(loop) ?? {};
      const since = latest && nowMs - latest.atMs >= WINDOW_MIN_MS ? latest : before;
      if (!since) return undefined;
      const share = (activeMsOf(nowMs, loop.stats()) - since.activeMs) / (nowMs - since.atMs);
      return Number.isNaN(share) ? undefined : shareOf(share);
    },
  };
}
