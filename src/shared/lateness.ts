import type { LoopStats } from './layout.js';

/** Timers fire on whole milliseconds, rounded up: lateness up to this is no lateness. */
export const TIMER_SLACK_MS = 2;

/**
 * How long the turn in progress has been keeping the loop past the moment at which it was due to beat, in
 * milliseconds; 0 while it is not late. A lower bound of the turn's delay: what the turn did before it was
 * due cannot be told from idling until it ends.
 */
export function latenessOf(nowMs: number, dueMs: number, lastMarkMs: number): number {
  const late = nowMs - Math.max(dueMs, lastMarkMs);
  return late > TIMER_SLACK_MS ? late : 0;
}

/** The part of {@link latenessOf} that is a stall: without the time spent in `pause()`. */
export function stallOf(nowMs: number, stats: LoopStats): number {
  const late = latenessOf(nowMs, stats.dueMs, stats.lastMarkMs);
  if (late === 0) return 0;
  const lateSince = nowMs - late;
  const pausing = stats.pausedSinceMs > 0 ? nowMs - Math.max(stats.pausedSinceMs, lateSince) : 0;
  return Math.max(0, late - pausing - stats.pausedLateMs);
}
