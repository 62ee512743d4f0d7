import { WORST_SLOTS } from '../shared/layout.js';
import { NATIVE_ZERO_MS, nativeSlotOf } from '../shared/native-buckets.js';
import type { StatsWriter } from './open-turn.js';

/** What is told of the last second is kept in two halves. */
const HALF_WINDOW_MS = 500;

/** Delays of turns that are long enough to be seen: those over a first bound. */
export interface Delays {
  /** Inside of the seqlock. */
  note(nowMs: number, delayMs: number): void;
  /** The longest of the last second. */
  worstMs(nowMs: number): number;
}

export function createDelays({ at, values }: StatsWriter, boundsMs: readonly number[]): Delays {
  // The longest of this half of the last second, and of the half before it.
  let halfFromMs = Number.NEGATIVE_INFINITY;
  let worstNow = 0;
  let worstBefore = 0;

  function noteHalf(nowMs: number, delayMs: number): void {
    if (nowMs - halfFromMs >= HALF_WINDOW_MS) {
      worstBefore = nowMs - halfFromMs < 2 * HALF_WINDOW_MS ? worstNow : 0;
      worstNow = 0;
      halfFromMs = nowMs;
    }
    if (delayMs > worstNow) worstNow = delayMs;
  }

  function noteExcess(delayMs: number): void {
    for (let i = 0; i < boundsMs.length; i++) {
      const over = delayMs - (boundsMs[i] as number);
      if (over <= 0) break;
      values[at.excessMs + i] = (values[at.excessMs + i] as number) + over;
    }
  }

  /**
   * The excess over each of the native bounds follows from these two: one logarithm, however many there are.
   */
  function noteNative(delayMs: number): void {
    if (delayMs <= NATIVE_ZERO_MS) return;
    const slot = nativeSlotOf(delayMs);
    values[at.nativeTurns + slot] = (values[at.nativeTurns + slot] as number) + 1;
    values[at.nativeMs + slot] = (values[at.nativeMs + slot] as number) + delayMs;
  }

  function noteSecond(nowMs: number, delayMs: number): void {
    const second = Math.floor(nowMs / 1000);
    const slot = second & (WORST_SLOTS - 1);
    const worst = values[at.worstSecond + slot] === second ? (values[at.worstMs + slot] as number) : 0;
    values[at.worstSecond + slot] = second;
    values[at.worstMs + slot] = Math.max(worst, delayMs);
  }

  return {
    note(nowMs, delayMs) {
      noteExcess(delayMs);
      noteNative(delayMs);
      noteHalf(nowMs, delayMs);
      noteSecond(nowMs, delayMs);
    },
    worstMs(nowMs) {
      const sinceMs = nowMs - halfFromMs;
      if (sinceMs >= 2 * HALF_WINDOW_MS) return 0;
      return sinceMs >= HALF_WINDOW_MS ? worstNow : Math.max(worstNow, worstBefore);
    },
  };
}
