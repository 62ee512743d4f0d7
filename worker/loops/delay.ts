import { latenessOf } from '../../src/shared/lateness.js';
import type { LoopStats } from '../../src/shared/layout.js';
import { NATIVE_LOWER_MS, NATIVE_ZERO_MS, nativeSlotOf } from '../../src/shared/native-buckets.js';
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
  sampleNative(wallMs, lateMs, stats, ledger);
  ledger.raise('delaySumSeconds', (stats.halfSquareMs2 + (lateMs * lateMs) / 2) / 1000);
  const activeMs = stats.delayMs + lateMs;
  ledger.raise('activeMs', activeMs);
  ledger.raise('idleMs', wallMs - activeMs);
}

/**
 * The same arrivals by native buckets, each in one. A turn whose delay d lies in the bucket from b to c has put
 * `d - b` into it, and into each below as many as that one is wide. Prometheus takes a bucket that goes back for a
 * restart, so each has a high-water mark of its own; the zeros are what is left of the time, and never less.
 */
function sampleNative(wallMs: number, lateMs: number, stats: LoopStats, ledger: LoopLedger): void {
  const { nativeTurns, nativeMs } = stats;
  const lateSlot = lateMs > NATIVE_ZERO_MS ? nativeSlotOf(lateMs) : -1;
  let slot = nativeTurns.length - 1;
  while (slot > lateSlot && nativeTurns[slot] === 0) slot--;
  let above = 0;
  let counted = 0;
  for (let upperMs = 0; slot >= 0; slot--) {
    const lowerMs = NATIVE_LOWER_MS[slot] as number;
    const late = slot === lateSlot;
    const turns = (nativeTurns[slot] as number) + (late ? 1 : 0);
    const ms = (nativeMs[slot] as number) + (late ? lateMs : 0);
    const waits = above * (upperMs - lowerMs) + ms - turns * lowerMs;
    counted += ledger.raise('nativeDelay', Math.floor(waits), slot);
    above += turns;
    upperMs = lowerMs;
  }
  ledger.raise('nativeDelayZero', Math.floor(wallMs) - counted);
}
