// Which requests to turn away when more come than the app can serve.
//
// A share of the requests is let in, by chance, and the share is what the loop can serve. To let in all or
// none would swing between a flood and an empty loop; and by chance, whoever tries again gets in some time.
import type { PressureSource } from './types.js';

export interface SheddingLimits {
  /** Milliseconds; Infinity: not by lag. */
  readonly maxLag: number;
  /** Tasks that wait in any one pool; Infinity: not by pools. */
  readonly maxQueued: number;
}

export interface ShedderEffects {
  readonly now: () => number;
  /** 0 to 1. */
  readonly random: () => number;
  /** None: all pass. */
  readonly watchdog: () => PressureSource | undefined;
}

/**
 * How busy shedding keeps the loop. Not more: connections also wait in the system until the loop takes them,
 * which lag does not tell of. A loop that has idle time left has taken them all.
 */
const TARGET_UTILIZATION = 0.9;
/**
 * In one step the share falls to no less than this part of itself: one very long turn may have been one bad
 * request.
 */
const DEEPEST_CUT = 0.25;
/** And it rises by no more than this factor a second: from a quarter to all takes two seconds. */
const STEEPEST_RISE = 2;
/** The least share: without any request nothing would tell when the overload is over. */
const LEAST_SHARE = 0.01;

/** Returns a function to be asked once for each request: whether to turn it away. */
export function createShedder(
  { maxLag, maxQueued }: SheddingLimits,
  { now, random, watchdog }: ShedderEffects,
): () => boolean {
  let share = 1;
  let adjustedAt = now();

  function adjust(source: PressureSource): void {
    const seconds = (now() - adjustedAt) / 1000;
    // pressure() looks back for a second. Sooner, it would blame the new share for what the old one did.
    if (seconds < 1) return;
    adjustedAt = now();
    const { lagMs, utilization } = source.pressure();
    // Neither alone: a loop may be busy all the time and never late, or late once in an idle minute.
    const late = lagMs > maxLag && utilization > TARGET_UTILIZATION;
    if (share === 1 && !late) return;
    const wanted = Math.min(TARGET_UTILIZATION / utilization, late ? maxLag / lagMs : Infinity);
    const factor = Math.min(Math.max(wanted, DEEPEST_CUT), STEEPEST_RISE ** seconds);
    share = Math.min(Math.max(share * factor, LEAST_SHARE), 1);
  }

  // All or none, for a queue is there to be filled: up to its limit it keeps the pool busy.
  function isFull(source: PressureSource): boolean {
    if (maxQueued === Number.POSITIVE_INFINITY) return false;
    return Object.values(source.pressure().pools).some(({ queued }) => queued > maxQueued);
  }

  return () => {
    const source = watchdog();
    if (!source) return false;
    // Here and not by a timer, which would wait for the end of a long turn.
    adjust(source);
    return random() >= share || isFull(source);
  };
}
