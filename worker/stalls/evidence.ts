import { latenessOf } from '../../src/shared/lateness.js';
import type { GcValues, HeartValues } from '../../src/shared/layout.js';
import type { ThreadTimes } from '../proc.js';
import type { Evidence } from './classify.js';

/** The accounts at one moment. */
interface Reading {
  readonly atMs: number;
  readonly turn: number;
  /** Time in which the loop was held, start-up and the turn in progress included. */
  readonly activeMs: number;
  readonly times: ThreadTimes | undefined;
  /** For how long it has been waiting for a CPU: the system books a wait when it is over. */
  readonly waitingMs: number;
}

/** Readings are kept for as long as a stall that began after them may still have to be explained. */
const READINGS_MAX = 64;
/** While all is well, one reading in this many milliseconds is enough. */
const BASELINE_EVERY_MS = 1000;

/** Keeps the accounts of the watched thread, and explains a stretch of its time by them. */
export interface EvidenceBook {
  /** Takes a reading: each look during a stall and the first after it, else one a second. */
  note(nowMs: number, heart: HeartValues, stalled: boolean): void;
  /** What the `durationMs` from `startMs` went into. */
  explain(startMs: number, durationMs: number, gc: GcValues): Evidence;
}

/** @param isRunnable whether the thread is on a CPU or waits for one at this moment */
export function createEvidenceBook(
  readTimes: () => ThreadTimes | undefined,
  isRunnable: () => boolean,
  pausedBetween: (fromMs: number, toMs: number) => number,
): EvidenceBook {
  const readings: Reading[] = [];
  let wasStalled = false;

  /** A thread that could run and has not done so since the look before, by its accounts, has waited all the while. */
  function waitingSince(
    before: Reading | undefined,
    nowMs: number,
    turn: number,
    times?: ThreadTimes,
  ): number {
    if (before?.turn !== turn || !before.times || !times) return 0;
    const stood = before.times.cpuMs === times.cpuMs && before.times.runQueueMs === times.runQueueMs;
    return stood && isRunnable() ? before.waitingMs + nowMs - before.atMs : 0;
  }

  return {
    note(nowMs, heart, stalled) {
      const last = readings.at(-1);
      const due = last === undefined || nowMs - last.atMs >= BASELINE_EVERY_MS;
      if (!due && !stalled && !wasStalled) return;
      const { turns: turn } = heart;
      const times = readTimes();
      // Between two looks at a stall only: what idled stood still, too.
      const waitingMs = stalled && wasStalled ? waitingSince(last, nowMs, turn, times) : 0;
      wasStalled = stalled;
      // Of a stall the first reading matters and the latest: however long it is, the one before it must not be lost.
      if (readings.at(-1)?.turn === turn && readings.at(-2)?.turn === turn) readings.pop();
      readings.push({ atMs: nowMs, turn, activeMs: activeUntil(nowMs, heart), times, waitingMs });
      if (readings.length > READINGS_MAX) readings.shift();
    },

    explain(startMs, durationMs, gc) {
      const endMs = startMs + durationMs;
      const pausedMs = Math.min(durationMs, pausedBetween(startMs, endMs));
      const gcMs = Math.min(durationMs, collectingBetween(startMs, endMs, gc));
      const split = splitInside(readings, startMs, endMs) ?? splitAround(readings, startMs, endMs);
      if (!split) return { gcMs, pausedMs };
      const cpuMs = Math.min(durationMs, split.cpuShare * durationMs);
      const runQueueMs = Math.min(durationMs - cpuMs, split.runQueueShare * durationMs);
      return { cpuMs, runQueueMs, sleepMs: durationMs - cpuMs - runQueueMs, gcMs, pausedMs };
    },
  };
}

/** The parts of a stall's time, 0 to 1; what is left was sleep. */
interface Split {
  readonly cpuShare: number;
  readonly runQueueShare: number;
}

/** Readings within the stall speak for the whole if they span this part of it. */
const ENOUGH = 0.5;

/** By the readings within the stall: nothing else is in them. */
function splitInside(readings: readonly Reading[], startMs: number, endMs: number): Split | undefined {
  const first = readings.find((reading) => reading.atMs >= startMs);
  const last = readings.findLast((reading) => reading.atMs <= endMs);
  const spanMs = first && last ? last.atMs - first.atMs : 0;
  if (!first?.times || !last?.times || spanMs < ENOUGH * (endMs - startMs)) return undefined;
  return {
    cpuShare: (last.times.cpuMs - first.times.cpuMs) / spanMs,
    runQueueShare: (runQueueOf(last, last.times) - runQueueOf(first, first.times)) / spanMs,
  };
}

/**
 * By the readings before and after. Of the time for which the loop was held besides, it is taken that the thread ran or
 * waited for a CPU, in the proportion of the whole.
 */
function splitAround(readings: readonly Reading[], startMs: number, endMs: number): Split | undefined {
  const from = readings.findLast((reading) => reading.atMs <= startMs) ?? readings[0];
  const to = readings.find((reading) => reading.atMs >= endMs) ?? readings.at(-1);
  if (!from?.times || !to?.times || from === to) return undefined;
  const durationMs = endMs - startMs;
  const cpuMs = to.times.cpuMs - from.times.cpuMs;
  const runQueueMs = runQueueOf(to, to.times) - runQueueOf(from, from.times);
  const elsewhereMs = Math.max(0, to.activeMs - from.activeMs - durationMs);
  const here = cpuMs + runQueueMs > 0 ? Math.max(0, 1 - elsewhereMs / (cpuMs + runQueueMs)) : 0;
  return { cpuShare: (cpuMs * here) / durationMs, runQueueShare: (runQueueMs * here) / durationMs };
}

const runQueueOf = ({ waitingMs }: Reading, { runQueueMs }: ThreadTimes): number => runQueueMs + waitingMs;

function activeUntil(nowMs: number, heart: HeartValues): number {
  if (heart.loopStartedAtMs === 0) return nowMs - heart.startedAtMs;
  const startupMs = heart.loopStartedAtMs - heart.startedAtMs;
  return startupMs + heart.delayMs + latenessOf(nowMs, heart.dueMs, heart.lastMarkMs);
}

/** Sums all collections that overlap a stretch of time: in a batch that follows a stall there may be many. */
function collectingBetween(fromMs: number, toMs: number, gc: GcValues): number {
  return gc.startMs.reduce((sum, startMs, place) => {
    const endMs = startMs + (gc.durationMs[place] as number);
    return sum + Math.max(0, Math.min(endMs, toMs) - Math.max(startMs, fromMs));
  }, 0);
}
