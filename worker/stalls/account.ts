import { CAUSES, type Cause, type LEDGER, STALL_BOUNDS_MS } from '../../src/shared/layout.js';
import type { Ledger } from '../ledger.js';
import type { FinishedStall, LiveStall } from './detect.js';

/** The counters of stalls. What was charged to one cause stays there: no counter ever goes back. */
export interface StallAccount {
  /** Charges the time of a stall under way. */
  charge(live: LiveStall, cause: Cause): void;
  /** Counts a stall that is over, and charges what is left of its time. */
  count(stall: FinishedStall, cause: Cause): void;
  /** Counts stalls of which nothing but their number and time is known. */
  countLost(count: number, ms: number): void;
}

export function createStallAccount(ledger: Ledger<(typeof LEDGER)['fields']>): StallAccount {
  const add = (cause: Cause, ms: number): void => {
    if (ms > 0) ledger.add('stallMsByCause', ms, CAUSES.indexOf(cause));
  };
  const chargedOf = (turn: number): number =>
    ledger.get('chargedTurn') === turn ? ledger.get('chargedMs') : 0;

  return {
    charge({ turn, startMs, stallMs }, cause) {
      const charged = chargedOf(turn);
      if (ledger.get('chargedTurn') !== turn) ledger.set('lastStallMs', startMs);
      ledger.set('chargedTurn', turn);
      ledger.set('chargedMs', Math.max(charged, stallMs));
      add(cause, stallMs - charged);
    },
    count(stall, cause) {
      const bucket = STALL_BOUNDS_MS.findIndex((bound) => stall.durationMs <= bound);
      ledger.add('stallsCounted', 1);
      ledger.add('stallsByCause', 1, CAUSES.indexOf(cause));
      ledger.add('stallCount', 1);
      ledger.add('stallSumMs', stall.durationMs);
      if (bucket >= 0) ledger.add('stallBuckets', 1, bucket);
      ledger.raise('lastStallMs', stall.startMs);
      add(cause, stall.durationMs - chargedOf(stall.turn));
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
