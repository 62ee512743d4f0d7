import { latenessOf } from '../../src/shared/lateness.js';
import type { LoopStats } from '../../src/shared/layout.js';
import type { LoopLedger } from '../counters.js';

/**
 * Brings the exported counters of a loop's time up to this moment.
 *
 * Arrivals during a turn of delay d wait uniformly 0..d, all others wait 0. So of `wall` milliseconds those
 * in which an arrival would have waited at most b are `wall - Σ max(0, d - b)`, and the waits sum up to
 * `Σ d²/2`. The turn in progress counts with what it is late by now. What the turn's end corrects, by at most
 * one heartbeat interval, never makes a count go back: all of them pass the ledger's high-water mark.
 */
export function sampleDelay(
  nowMs: number,
  stats: LoopStats,
  ledger: LoopLedger,
  boundsMs: readonly number[],
): void {
  const wallMs = nowMs - stats.loopStartedAtMs;
  const lateMs = latenessOf(nowMs, stats.dueMs, stats.lastMarkMs);
  boundsMs.forEach((bound, i) => {
    const excess = (stats.excessMs[i] as number) + Math.max(0, lateMs - bound);
    ledger.raise('delayBuckets', Math.floor(wallMs - excess), i);
  });
  ledger.raise('delayCount', Math.floor(wallMs));
  ledger.raise('delaySumSeconds', (stats.halfSquareMs2 + (lateMs * lateMs) / 2) / 1000);
  const activeMs = stats.delayMs + lateMs;
  ledger.raise('activeMs', activeMs);
  ledger.raise('idleMs', wallMs - activeMs);
}
