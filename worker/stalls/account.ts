import { stallOf } from '../../src/shared/lateness.js';
import {
  CAUSES,
  type Cause,
  type HeartValues,
  type LEDGER,
  RING_SIZE,
  type RingValues,
  STALL_BOUNDS_MS,
} from '../../src/shared/layout.js';
import type { Ledger } from '../ledger.js';

/** A stall as the ring tells of it: moments and lengths in milliseconds on the shared clock. */
export interface FinishedStall {
  readonly turn: number;
  readonly startMs: number;
  readonly durationMs: number;
  readonly cause: Cause;
}

/**
 * Counts stalls, each exactly once, and charges their time while they last. What was charged to one cause stays
 * there: the seconds of a stall whose cause turns out to be another are split, and no counter ever goes back.
 */
export function createStallAccount(ledger: Ledger<(typeof LEDGER)['fields']>, stallThresholdMs: number) {
  function charge(cause: Cause, ms: number): void {
    if (ms > 0) ledger.add('stallMsByCause', ms, CAUSES.indexOf(cause));
  }

  function count(stall: FinishedStall): void {
    ledger.add('stallsCounted', 1);
    ledger.add('stallsByCause', 1, CAUSES.indexOf(stall.cause));
    ledger.set('lastStallMs', stall.startMs);
    ledger.add('stallCount', 1);
    ledger.add('stallSumMs', stall.durationMs);
    const bucket = STALL_BOUNDS_MS.findIndex((bound) => stall.durationMs <= bound);
    if (bucket >= 0) ledger.add('stallBuckets', 1, bucket);
    const charged = ledger.get('chargedTurn') === stall.turn ? ledger.get('chargedMs') : 0;
    charge(stall.cause, stall.durationMs - charged);
  }

  /** Stalls that the ring has forgotten, because nobody looked for so long: counted without their story. */
  function countLost(lost: number, heart: HeartValues, ring: RingValues): void {
    const kept = ring.durationMs.reduce((sum, ms) => sum + ms, 0);
    const lostMs = heart.stalledMs - kept - ledger.get('stallSumMs');
    ledger.add('stallsCounted', lost);
    ledger.add('stallsByCause', lost, CAUSES.indexOf('unknown'));
    ledger.add('stallCount', lost);
    ledger.add('stallSumMs', lostMs);
    charge('unknown', lostMs);
  }

  function drain(heart: HeartValues, ring: RingValues, classify: (turn: number) => Cause): FinishedStall[] {
    const lost = heart.stalls - RING_SIZE - ledger.get('stallsCounted');
    if (lost > 0) countLost(lost, heart, ring);
    const finished: FinishedStall[] = [];
    for (let n = ledger.get('stallsCounted'); n < heart.stalls; n++) {
      const place = n % RING_SIZE;
      const turn = ring.turn[place] as number;
      const stall = {
        turn,
        startMs: ring.startMs[place] as number,
        durationMs: ring.durationMs[place] as number,
        cause: classify(turn),
      };
      count(stall);
      finished.push(stall);
    }
    return finished;
  }

  return {
    /**
     * Brings the account up to date.
     * @param classify the cause of a turn's stall, finished or not
     * @returns the stalls that finished since the last call
     */
    observe(
      nowMs: number,
      heart: HeartValues,
      readRing: () => RingValues,
      classify: (turn: number) => Cause,
    ): readonly FinishedStall[] {
      const finished = heart.stalls > ledger.get('stallsCounted') ? drain(heart, readRing(), classify) : [];
      const stallMs = stallOf(nowMs, heart);
      if (heart.loopStartedAtMs > 0 && stallMs >= stallThresholdMs) {
        if (ledger.get('chargedTurn') !== heart.turns) {
          ledger.set('chargedTurn', heart.turns);
          ledger.set('chargedMs', 0);
          ledger.set('lastStallMs', nowMs - stallMs);
        }
        charge(classify(heart.turns), stallMs - ledger.get('chargedMs'));
        ledger.set('chargedMs', Math.max(stallMs, ledger.get('chargedMs')));
      }
      return finished;
    },
  };
}
