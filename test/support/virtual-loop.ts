import { createTurnMeter, GO_ROUND, ROUSE, type TurnMeter } from '../../src/loop/turns.js';
import {
  DELAY_BOUNDS_MS,
  LOOP_LEDGER,
  LOOP_STATS,
  type LoopStats,
  RING,
  type RingValues,
} from '../../src/shared/layout.js';
import { allocate, openReader } from '../../src/shared/regions.js';
import { type LoopLedger, openLedger } from '../../worker/counters.js';

export interface VirtualLoop {
  readonly meter: TurnMeter;
  readonly read: () => LoopStats;
  readonly readRing: () => RingValues;
  readonly ledger: LoopLedger;
  /** Virtual time, in milliseconds. */
  now(): number;
  /** How long the turn in progress has held the loop. */
  heldMs(nowMs: number): number;
  /** Time passes in which the loop waits for events; the pacer runs when it is due, as on a real loop. */
  idle(ms: number): void;
  /** The loop waits for an event, and goes on in the same turn. */
  wait(ms: number): void;
  /** The loop holds for `ms`, then ends its turn. */
  busy(ms: number): void;
  /** Time passes within a turn. */
  pass(ms: number): void;
  /** The turn ends. */
  mark(): void;
  /** `pause()` is entered and left. */
  enterPause(): void;
  leavePause(): void;
  /** The thread is runnable but gets no CPU for `ms`, which libuv takes for idling. */
  starved(ms: number): void;
}

/** A turn meter in virtual time, with the loop's habits around it: mark in the check phase, then timers. */
export function createVirtualLoop(
  options: { stallThreshold?: number; heartbeatInterval?: number; delayBoundsMs?: readonly number[] } = {},
): VirtualLoop {
  const memory = { stats: allocate(LOOP_STATS), ring: allocate(RING) };
  let now = 1000;
  let idleTotal = 0;
  const interval = options.heartbeatInterval ?? 100;
  const meter = createTurnMeter(memory, {
    heartbeatIntervalMs: interval,
    stallThresholdMs: options.stallThreshold ?? 100,
    delayBoundsMs: options.delayBoundsMs ?? DELAY_BOUNDS_MS,
    startedAtMs: now,
    inLoop: false,
  });
  const loopStart = now;
  let due = now + interval;

  function turnEnds(): void {
    const next = meter.mark(now, idleTotal, loopStart);
    if (next & ROUSE) due = now + meter.rouse(now);
    if (now >= due) due = now + meter.pace(now);
    // The round finds nothing to do: time stands still in it.
    if (next & GO_ROUND) turnEnds();
  }
  return {
    meter,
    read: openReader(LOOP_STATS, memory.stats),
    readRing: openReader(RING, memory.ring),
    ledger: openLedger(LOOP_LEDGER, allocate(LOOP_LEDGER)),
    now: () => now,
    heldMs: (nowMs) => meter.heldMs(nowMs, idleTotal),
    idle(ms) {
      const end = now + ms;
      while (now < end) {
        const wake = Math.min(end, Math.max(due, now));
        idleTotal += wake - now;
        now = wake;
        if (now >= due || now === end) turnEnds();
      }
    },
    wait(ms) {
      idleTotal += ms;
      now += ms;
    },
    busy(ms) {
      now += ms;
      turnEnds();
    },
    pass(ms) {
      now += ms;
    },
    mark: turnEnds,
    enterPause: () => meter.enterPause(now, idleTotal),
    leavePause: () => meter.leavePause(now, idleTotal),
    starved(ms) {
      idleTotal += ms;
      now += ms;
      turnEnds();
    },
  };
}

/** Sums all of an array-like of numbers. */
export function total(numbers: Iterable<number>): number {
  let sum = 0;
  for (const number of numbers) sum += number;
  return sum;
}
