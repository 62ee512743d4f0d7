import { stallOf } from '../../src/shared/lateness.js';
import { type LoopStats, RING_SIZE, type RingValues } from '../../src/shared/layout.js';

/** A stall that is over, as the ring tells of it. Moments and lengths in milliseconds on the shared clock. */
export interface FinishedStall {
  readonly turn: number;
  readonly startMs: number;
  readonly durationMs: number;
}

/**
 * A stall under way. Its length is a lower bound: what the turn did before it was due cannot be known yet.
 */
export interface LiveStall {
  readonly turn: number;
  readonly startMs: number;
  readonly stallMs: number;
}

/**
 * Stalls of which the ring tells no more: how many, how long in all, and before which turn all of them were.
 */
export interface LostStalls {
  readonly count: number;
  readonly ms: number;
  readonly beforeTurn: number;
}

export interface Detected {
  /** Stalls that ended since the last sample, oldest first. */
  readonly finished: readonly FinishedStall[];
  /** Those that the ring has forgotten, because no sample was taken for so long. */
  readonly lost: LostStalls | undefined;
  readonly live: LiveStall | undefined;
}

/**
 * Finds stalls in what the turn meter wrote. Pure but for the number of stalls it has told of.
 * @param told stalls told of before, by an earlier sidecar
 */
export function createDetector(
  stallThresholdMs: number,
  told: { readonly count: number; readonly ms: number },
): { observe(nowMs: number, stats: LoopStats, readRing: () => RingValues): Detected } {
  let toldCount = told.count;
  let toldMs = told.ms;

  function drain(stats: LoopStats, ring: RingValues): Pick<Detected, 'finished' | 'lost'> {
    const kept = Math.min(stats.stalls - toldCount, RING_SIZE);
    const finished = Array.from({ length: kept }, (_, i): FinishedStall => {
      const index = (stats.stalls - kept + i) % RING_SIZE;
      return {
        turn: ring.turn[index] as number,
        startMs: ring.startMs[index] as number,
        durationMs: ring.durationMs[index] as number,
      };
    });
    const lostCount = stats.stalls - toldCount - kept;
    const keptMs = finished.reduce((sum, stall) => sum + stall.durationMs, 0);
    const beforeTurn = finished[0]?.turn ?? stats.turns;
    const lostMs = stats.stalledMs - toldMs - keptMs;
    const lost = lostCount > 0 ? { count: lostCount, ms: lostMs, beforeTurn } : undefined;
    toldCount = stats.stalls;
    toldMs = stats.stalledMs;
    return { finished, lost };
  }

  return {
    observe(nowMs, stats, readRing) {
      const ended = stats.stalls > toldCount ? drain(stats, readRing()) : { finished: [], lost: undefined };
      const stallMs = stats.loopStartedAtMs > 0 ? stallOf(nowMs, stats) : 0;
      const live =
        stallMs >= stallThresholdMs ? { turn: stats.turns, startMs: nowMs - stallMs, stallMs } : undefined;
      return { ...ended, live };
    },
  };
}
