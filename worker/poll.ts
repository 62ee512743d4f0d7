import { stallOf, TIMER_SLACK_MS } from '../src/shared/lateness.js';
import type { LoopStats } from '../src/shared/layout.js';
import { createSlidingMax } from '../src/shared/sliding-max.js';
import type { HealthState } from './health.js';

/** While all is well: five looks a second. */
const CALM_MS = 200;
/** While the loop is stalled, and for a while after. */
const STALLED_MS = 50;
/** Never sooner than this, however near the next deadline. */
const SOONEST_MS = 5;
/**
 * After the moment at which an idle loop is due to beat: by then it has. To wake just after it costs an idle
 * machine less than to wake it a second time.
 */
const AFTER_BEAT_MS = TIMER_SLACK_MS + 1;
/** Never later: pools are looked at, too, and an idle app's pacer sleeps no longer. */
const LATEST_MS = 1000;

/**
 * When to look again. While the loop is healthy: at the moment at which a silent loop would become a stall,
 * but not more than five times a second; on an idle loop just after its beat, which follows the pacer's
 * back-off. During a stall: often; and on the `alert` after one, as often as that at least.
 */
export function nextPollMs(nowMs: number, stats: LoopStats, stallThresholdMs: number, alert = false): number {
  const calmMs = nextCalmLookMs(nowMs, stats, stallThresholdMs);
  return alert ? Math.min(STALLED_MS, calmMs) : calmMs;
}

function nextCalmLookMs(nowMs: number, stats: LoopStats, stallThresholdMs: number): number {
  if (stallOf(nowMs, stats) >= stallThresholdMs) return STALLED_MS;
  const untilStallMs = Math.max(stats.dueMs, stats.lastMarkMs) + stallThresholdMs - nowMs;
  // Late, but no stall: known long work, for as long as it likes.
  if (untilStallMs <= 0) return CALM_MS;
  const late = nowMs > stats.dueMs;
  const untilBeatMs = stats.dueMs + AFTER_BEAT_MS - nowMs;
  const aimMs = untilBeatMs > CALM_MS ? untilBeatMs : untilStallMs;
  return Math.min(LATEST_MS, Math.max(late ? SOONEST_MS : CALM_MS, aimMs));
}

export interface Round {
  /** @returns the milliseconds until the next */
  run(nowMs: number, ownLatenessMs: number): number;
  /** What the last one saw. */
  state(): HealthState;
}

export interface Poll {
  /** Runs a round at once, not only when it is time: who asks gets the state of this moment. */
  atOnce(): HealthState;
  /** How late the poll's own timer was at most over the last 60 s, in milliseconds. */
  lagMaxMs(nowMs: number): number;
  stop(): void;
}

/** Runs a round again and again. */
export function startPoll(now: () => number, { run, state }: Round): Poll {
  const lag = createSlidingMax(60);
  let timer: NodeJS.Timeout;
  let expectedMs = now();

  function tick(): void {
    const nowMs = now();
    // Timers fire on whole milliseconds, up to one late.
    const lateMs = Math.max(0, nowMs - expectedMs - 1);
    lag.add(nowMs, lateMs);
    let waitMs = CALM_MS;
    try {
      waitMs = Math.ceil(run(nowMs, lateMs));
    } finally {
      // Whatever fails in a round, there is a next one. Expected from the beginning of this one: a process
      // that is stopped in the midst of it is late, too.
      expectedMs = nowMs + waitMs;
      timer = setTimeout(tick, waitMs);
    }
  }

  tick();
  return {
    atOnce() {
      clearTimeout(timer);
      tick();
      return state();
    },
    lagMaxMs: (nowMs) => lag.max(nowMs),
    stop: () => clearTimeout(timer),
  };
}
