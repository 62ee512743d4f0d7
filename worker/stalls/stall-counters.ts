import { wallClockOf } from '../../src/shared/clock.js';
import { CAUSES, type Cause } from '../../src/shared/labels.js';
import { STALL_BOUNDS_MS } from '../../src/shared/layout.js';
import { nativeSlotOf } from '../../src/shared/native-buckets.js';
import type { LoopLedger } from '../counters.js';
import type { FinishedStall, LiveStall } from './detect.js';

/** To what a stall's time is charged. */
export interface Charge {
  readonly cause: Cause;
  /** For so long of it the process stood still, whatever the cause was. */
  readonly suspendedMs: number;
  /** The cause of the rest. */
  readonly besides: Cause;
}

/**
 * The counters of stalls. What was charged to one cause stays there: no counter ever goes back. A stall is
 * counted under one cause, but a pause is charged only with the time that it took.
 */
export interface StallCounters {
  /**
   * When a stall began, in milliseconds since the epoch. Its wall clock is read once: what is found out later
   * of its beginning moves it, a system clock that is set does not.
   */
  startedAt(turn: number, startMs: number): number;
  /** Charges the time of a stall under way. */
  charge(live: LiveStall, charge: Charge): void;
  /** Counts a stall that is over, and charges what is left of its time. */
  count(stall: FinishedStall, charge: Charge): void;
  /**
   * Counts stalls of which nothing but their number and time is known, and that all came before this turn.
   */
  countLost(count: number, ms: number, beforeTurn: number): void;
}

/** What of a stall's time is charged. */
interface Charged {
  readonly ms: number;
  readonly suspendedMs: number;
}

export function createStallCounters(ledger: LoopLedger): StallCounters {
  const add = (cause: Cause, ms: number): void => {
    if (ms > 0) ledger.add('stallMsByCause', ms, CAUSES.indexOf(cause));
  };
  /** What stalls that are not yet counted were charged, by turn; the latest as an earlier sidecar left it. */
  const charged = new Map<number, Charged>();
  /** What that sidecar had charged to those before it, in all: it died before it counted them. */
  const inherited = { ms: chargedBeyondCounted(ledger), beforeTurn: ledger.get('chargedTurn') };
  const latest = { ms: ledger.get('chargedMs'), suspendedMs: ledger.get('chargedSuspendedMs') };
  // Else that stall is counted.
  if (inherited.ms > latest.ms / 2) {
    charged.set(inherited.beforeTurn, latest);
    inherited.ms -= latest.ms;
  }

  /**
   * What of a stall of theirs, which takes `ms`, is charged: to the oldest first, so that no time is charged
   * twice.
   */
  function inherit(ms: number): number {
    const taken = Math.max(0, Math.min(inherited.ms, ms));
    inherited.ms -= taken;
    return taken;
  }

  const clock = openStallClock(ledger);

  /** Charges what of a stall's `ms` is not charged yet. Returns what is, then. */
  function chargeRest(turn: number, ms: number, { suspendedMs, besides }: Charge): Charged {
    const before = charged.get(turn) ?? {
      ms: turn < inherited.beforeTurn ? inherit(ms) : 0,
      suspendedMs: 0,
    };
    const restMs = Math.max(0, ms - before.ms);
    const moreMs = Math.min(restMs, Math.max(0, suspendedMs - before.suspendedMs));
    add('suspended', moreMs);
    add(besides, restMs - moreMs);
    return { ms: before.ms + restMs, suspendedMs: before.suspendedMs + moreMs };
  }

  return {
    startedAt: (turn, startMs) => Math.round(clock.wallTime(turn, startMs)),
    charge({ turn, startMs, stallMs }, charge) {
      if (!charged.get(turn)?.ms) clock.noteLatest(turn, startMs);
      const now = chargeRest(turn, stallMs, charge);
      charged.set(turn, now);
      ledger.set('chargedTurn', turn);
      ledger.set('chargedMs', now.ms);
      ledger.set('chargedSuspendedMs', now.suspendedMs);
    },
    count(stall, charge) {
      const bucket = STALL_BOUNDS_MS.findIndex((bound) => stall.durationMs <= bound);
      ledger.add('stallsCounted', 1);
      ledger.add('stallsByCause', 1, CAUSES.indexOf(charge.cause));
      ledger.add('stallCount', 1);
      ledger.add('stallSumMs', stall.durationMs);
      if (bucket >= 0) ledger.add('stallBuckets', 1, bucket);
      ledger.add('nativeStalls', 1, nativeSlotOf(stall.durationMs));
      if (stall.turn >= ledger.get('lastStallTurn')) clock.noteLatest(stall.turn, stall.startMs);
      chargeRest(stall.turn, stall.durationMs, charge);
      // It and all before it are settled.
      forgetUpTo(stall.turn, charged);
      clock.forgetUpTo(stall.turn);
    },
    countLost(count, ms, beforeTurn) {
      // Some were charged while they lasted: before this sidecar began, or before it had to wait so long.
      let knownMs = inherit(ms);
      for (const [turn, one] of charged) {
        if (turn >= beforeTurn) continue;
        knownMs += one.ms;
        charged.delete(turn);
      }
      ledger.add('stallsCounted', count);
      ledger.add('stallsByCause', count, CAUSES.indexOf('unknown'));
      ledger.add('stallCount', count);
      ledger.add('stallSumMs', ms);
      // In a native histogram everything lies in some bucket: their mean is known.
      ledger.add('nativeStalls', count, nativeSlotOf(ms / count));
      add('unknown', ms - knownMs);
    },
  };
}

function chargedBeyondCounted(ledger: LoopLedger): number {
  return CAUSES.reduce((ms, _, index) => ms + ledger.get('stallMsByCause', index), -ledger.get('stallSumMs'));
}

/** When stalls began, by the wall clock; read once for each. */
interface StallClock {
  wallTime(turn: number, startMs: number): number;
  /** The latest stall that is known of. */
  noteLatest(turn: number, startMs: number): void;
  forgetUpTo(turn: number): void;
}

function openStallClock(ledger: LoopLedger): StallClock {
  /**
   * What to add to the moments of a stall for the wall clock, by turn; the latest as an earlier sidecar left
   * it.
   */
  const offsets = new Map<number, number>();
  if (ledger.get('lastStallWallMs') > 0)
    offsets.set(ledger.get('lastStallTurn'), ledger.get('lastStallWallMs') - ledger.get('lastStallMs'));

  function wallTime(turn: number, startMs: number): number {
    const offset = offsets.get(turn) ?? wallClockOf(startMs) - startMs;
    offsets.set(turn, offset);
    return startMs + offset;
  }

  return {
    wallTime,
    noteLatest(turn, startMs) {
      ledger.set('lastStallTurn', turn);
      ledger.set('lastStallMs', startMs);
      ledger.set('lastStallWallMs', wallTime(turn, startMs));
    },
    forgetUpTo: (turn) => forgetUpTo(turn, offsets),
  };
}

function forgetUpTo(last: number, known: Map<number, unknown>): void {
  for (const turn of known.keys()) if (turn <= last) known.delete(turn);
}
