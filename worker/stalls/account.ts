import { wallClockOf } from '../../src/shared/clock.js';
import { CAUSES, type Cause, STALL_BOUNDS_MS } from '../../src/shared/layout.js';
import type { LoopLedger } from '../ledger.js';
import type { FinishedStall, LiveStall } from './detect.js';

/** The counters of stalls. What was charged to one cause stays there: no counter ever goes back. */
export interface StallAccount {
  /**
   * When a stall began, in milliseconds since the epoch. Its wall clock is read once: what is found out later of its
   * beginning moves it, a system clock that is set does not.
   */
  startedAt(turn: number, startMs: number): number;
  /** Charges the time of a stall under way. */
  charge(live: LiveStall, cause: Cause): void;
  /** Counts a stall that is over, and charges what is left of its time. */
  count(stall: FinishedStall, cause: Cause): void;
  /** Counts stalls of which nothing but their number and time is known. */
  countLost(count: number, ms: number): void;
}

export function createStallAccount(ledger: LoopLedger): StallAccount {
  const add = (cause: Cause, ms: number): void => {
    if (ms > 0) ledger.add('stallMsByCause', ms, CAUSES.indexOf(cause));
  };
  /** What stalls that are not yet counted were charged, by turn; the latest as an earlier sidecar left it. */
  const charged = new Map([[ledger.get('chargedTurn'), ledger.get('chargedMs')]]);
  /** What to add to the moments of a stall for the wall clock, by turn; the latest as an earlier sidecar left it. */
  const offsets = new Map<number, number>();
  if (ledger.get('lastStallWallMs') > 0)
    offsets.set(ledger.get('lastStallTurn'), ledger.get('lastStallWallMs') - ledger.get('lastStallMs'));

  function wallTime(turn: number, startMs: number): number {
    const offset = offsets.get(turn) ?? wallClockOf(startMs) - startMs;
    offsets.set(turn, offset);
    return startMs + offset;
  }

  function noteLatest(turn: number, startMs: number): void {
    ledger.set('lastStallTurn', turn);
    ledger.set('lastStallMs', startMs);
    ledger.set('lastStallWallMs', wallTime(turn, startMs));
  }

  return {
    startedAt: (turn, startMs) => Math.round(wallTime(turn, startMs)),
    charge({ turn, startMs, stallMs }, cause) {
      const before = charged.get(turn) ?? 0;
      if (before === 0) noteLatest(turn, startMs);
      charged.set(turn, Math.max(before, stallMs));
      ledger.set('chargedTurn', turn);
      ledger.set('chargedMs', Math.max(before, stallMs));
      add(cause, stallMs - before);
    },
    count(stall, cause) {
      const bucket = STALL_BOUNDS_MS.findIndex((bound) => stall.durationMs <= bound);
      ledger.add('stallsCounted', 1);
      ledger.add('stallsByCause', 1, CAUSES.indexOf(cause));
      ledger.add('stallCount', 1);
      ledger.add('stallSumMs', stall.durationMs);
      if (bucket >= 0) ledger.add('stallBuckets', 1, bucket);
      if (stall.turn >= ledger.get('lastStallTurn')) noteLatest(stall.turn, stall.startMs);
      add(cause, stall.durationMs - (charged.get(stall.turn) ?? 0));
      // It and all before it are settled.
      for (const known of [charged, offsets])
        for (const turn of known.keys()) if (turn <= stall.turn) known.delete(turn);
    },
    countLost(count, ms) {
      ledger.add('stallsCounted', count);
      ledger.add('stallsByCause', count, CAUSES.indexOf('unknown'));
      ledger.add('stallCount', count);
      ledger.add('stallSumMs', ms);
      add('unknown', ms);
    },
  };
}
