import { latenessOf } from '../../src/shared/lateness.js';
import type { GcValues, LoopStats } from '../../src/shared/layout.js';
import type { ThreadTimes } from '../system/thread.js';
import type { Evidence } from './classify.js';
import { collectingBetween } from './collections.js';
import { type Reading, splitOf } from './readings.js';
import type { Suspended } from './suspensions.js';

/** Readings are kept for as long as a stall that began after them may still have to be explained. */
const READINGS_MAX = 256;
/** While all is well, one reading in this many milliseconds is enough. */
const BASELINE_EVERY_MS = 1000;
/** Near a stall two readings lie so far apart at least: twice the tick by which the system books time. */
const CLOSEST_MS = 20;
/** The accounts are those of a moment if the clock before and after differs by no more. */
const TIGHT_MS = 1;
const TRIES = 3;
/** Of the turn that is none yet. */
const STARTING = -1;

/** Keeps the accounts of the watched thread, and explains a stretch of its time by them. */
export interface CpuHistory {
  /** Takes a reading: now if it matters, else one a second. */
  note(matters: boolean): void;
  /** A turn is over, of which it is known now that it held the loop from `startMs` on. */
  ended(turn: number, startMs: number): void;
  /** What the `durationMs` from `startMs` went into. */
  explain(startMs: number, durationMs: number, gc: GcValues): Evidence;
}

export interface EvidenceOptions {
  readonly now: () => number;
  readonly readStats: () => LoopStats;
  readonly readTimes: () => ThreadTimes | undefined;
  /** Whether the thread is on a CPU or waits for one at this moment. */
  readonly isRunnable: () => boolean;
  readonly suspendedBetween: (fromMs: number, toMs: number) => Suspended;
}

export function createCpuHistory(options: EvidenceOptions): CpuHistory {
  const { now, readStats, readTimes } = options;
  const readings: Reading[] = [];
  let notedMs = Number.NEGATIVE_INFINITY;

  /**
   * The accounts, and a moment at which they were so: between clock and accounts this thread may lose its
   * CPU.
   */
  function take(asksState: boolean): Reading | undefined {
    let best: Reading | undefined;
    let bestMs = Number.POSITIVE_INFINITY;
    for (let tries = 0; tries < TRIES && bestMs > TIGHT_MS; tries++) {
      const fromMs = now();
      const times = readTimes();
      const stats = readStats();
      const tookMs = now() - fromMs;
      if (!times) return undefined;
      if (tookMs >= bestMs) continue;
      best = readingOf(fromMs + tookMs / 2, times, stats);
      bestMs = tookMs;
    }
    return best && { ...best, runnable: asksState && options.isRunnable() };
  }

  /**
   * A thread that could run and has not done so since the reading before, by its accounts, has waited all the
   * while.
   */
  function waitingSince(before: Reading | undefined, reading: Reading): number {
    // Of a loop that is held only: what idled stood still, too.
    if (before?.turn !== reading.turn || before.heldMs === 0) return 0;
    const stood = before.cpuMs === reading.cpuMs && before.bookedMs === reading.bookedMs;
    return stood && reading.runnable ? before.waitingMs + reading.atMs - before.atMs : 0;
  }

  return {
    note(matters) {
      const nowMs = now();
      if (nowMs - notedMs < (matters ? CLOSEST_MS : BASELINE_EVERY_MS)) return;
      notedMs = nowMs;
      const reading = take(matters);
      // A thread that is no more has none; nor has one for whose file no descriptor is left. What is known
      // stays.
      if (!reading) return;
      const [before, last] = readings.slice(-2);
      reading.waitingMs = waitingSince(readings.at(-1), reading);
      // Of a stall the first reading matters and the latest: however long it is, the one before it must not
      // be lost.
      if (last && before?.turn === reading.turn && before.heldMs > 0) readings.pop();
      readings.push(reading);
      if (readings.length > READINGS_MAX) readings.shift();
    },

    ended(turn, startMs) {
      for (const reading of readings) {
        if (reading.turn === turn) reading.heldMs = Math.max(0, reading.atMs - startMs);
      }
    },

    explain(startMs, durationMs, gc) {
      const endMs = startMs + durationMs;
      const { surelyMs, likelyMs } = options.suspendedBetween(startMs, endMs);
      const suspendedBetween = (fromMs: number, toMs: number): number =>
        surelyMs === 0 ? 0 : options.suspendedBetween(fromMs, toMs).surelyMs;
      const gcMs = Math.min(durationMs, collectingBetween(startMs, endMs, gc, suspendedBetween));
      const split = splitOf(readings, startMs, endMs);
      if (!split) return { gcMs, suspendedMs: Math.min(durationMs, surelyMs) };
      const cpuMs = Math.min(durationMs, split.cpuShare * durationMs);
      const runQueueMs = Math.max(0, Math.min(durationMs - cpuMs, split.runQueueShare * durationMs));
      const sleepMs = durationMs - cpuMs - runQueueMs;
      // Who runs or waits for a CPU does not stand still.
      return { cpuMs, runQueueMs, sleepMs, gcMs, suspendedMs: Math.min(sleepMs, likelyMs) };
    },
  };
}

function readingOf(atMs: number, { cpuMs, runQueueMs }: ThreadTimes, stats: LoopStats): Reading {
  const accounts = { atMs, cpuMs, bookedMs: runQueueMs, waitingMs: 0, runnable: false };
  if (stats.loopStartedAtMs === 0) {
    return { ...accounts, turn: STARTING, beforeMs: 0, heldMs: atMs - stats.startedAtMs };
  }
  return {
    ...accounts,
    turn: stats.turns,
    beforeMs: stats.loopStartedAtMs - stats.startedAtMs + stats.delayMs,
    heldMs: latenessOf(atMs, stats.dueMs, stats.lastMarkMs),
  };
}
