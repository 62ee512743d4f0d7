import { stallOf } from '../../src/shared/lateness.js';
import { type HeartValues, RING_SIZE, type RingValues } from '../../src/shared/layout.js';

/** A stall that is over, as the ring tells of it. Moments and lengths in milliseconds on the shared clock. */
export interface FinishedStall {
  readonly turn: number;
  readonly startMs: number;
  readonly durationMs: number;
}

/** A stall under way. Its length is a lower bound: what the turn did before it was due cannot be known yet. */
export interface LiveStall {
  readonly turn: number;
  readonly startMs: number;
  readonly stallMs: number;
}

export interface Look {
  /** Stalls that ended since the last look, oldest first. */
  readonly finished: readonly FinishedStall[];
  /** How many ended that the ring has forgotten, because nobody looked for so long, and how long they took. */
  readonly lost: { readonly count: number; readonly ms: number } | undefined;
  readonly live: LiveStall | undefined;
}

/**
 * Finds stalls in what the heart wrote. Pure but for the number of stalls it has told of.
 * @param told stalls told of before, by an earlier sidecar
 */
export function createDetector(
  stallThresholdMs: number,
  told: { readonly count: number; readonly ms: number },
): { observe(nowMs: number, heart: HeartValues, readRing: () => RingValues): Look } {
  let toldCount = told.count;
  let toldMs = told.ms;

  function drain(heart: HeartValues, ring: RingValues): Pick<Look, 'finished' | 'lost'> {
    const kept = Math.min(heart.stalls - toldCount, RING_SIZE);
    const finished = Array.from({ length: kept }, (_, i): FinishedStall => {
      const place = (heart.stalls - kept + i) % RING_SIZE;
      return {
        turn: ring.turn[place] as number,
        startMs: ring.startMs[place] as number,
        durationMs: ring.durationMs[place] as number,
      };
    });
    const lostCount = heart.stalls - toldCount - kept;
    const keptMs = finished.reduce((sum, stall) => sum + stall.durationMs, 0);
    const lost = lostCount > 0 ? { count: lostCount, ms: heart.stalledMs - toldMs - keptMs } : undefined;
    toldCount = heart.stalls;
    toldMs = heart.stalledMs;
    return { finished, lost };
  }

  return {
    observe(nowMs, heart, readRing) {
      const ended = heart.stalls > toldCount ? drain(heart, readRing()) : { finished: [], lost: undefined };
      const stallMs = heart.loopStartedAtMs > 0 ? stallOf(nowMs, heart) : 0;
      const live =
        stallMs >= stallThresholdMs ? { turn: heart.turns, startMs: nowMs - stallMs, stallMs } : undefined;
      return { ...ended, live };
    },
  };
}
