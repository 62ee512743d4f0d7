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
}

/** Readings are kept for as long as a stall that began after them may still have to be explained. */
const READINGS_MAX = 64;
/** While all is well, one reading in this many milliseconds is enough. */
const BASELINE_EVERY_MS = 1000;

/** Keeps the accounts of the watched thread, and explains a stretch of its time by them. */
export interface EvidenceBook {
  /** Takes a reading: each look during a stall and the first after it, else one a second. */
  note(nowMs: number, heart: HeartValues, stalled: boolean): void;
  /**
   * What the `durationMs` from `startMs` went into. Looks at the readings around that stretch; of the time that the
   * loop was held besides, it takes that it was spent on a CPU.
   */
  explain(startMs: number, durationMs: number, gc: GcValues): Evidence;
}

export function createEvidenceBook(
  readTimes: () => ThreadTimes | undefined,
  pausedBetween: (fromMs: number, toMs: number) => number,
): EvidenceBook {
  const readings: Reading[] = [];
  let wasStalled = false;

  return {
    note(nowMs, heart, stalled) {
      const last = readings.at(-1);
      const due = last === undefined || nowMs - last.atMs >= BASELINE_EVERY_MS;
      if (!due && !stalled && !wasStalled) return;
      wasStalled = stalled;
      const { turns: turn } = heart;
      // Of a stall the first reading matters and the latest: however long it is, the one before it must not be lost.
      if (readings.at(-1)?.turn === turn && readings.at(-2)?.turn === turn) readings.pop();
      readings.push({ atMs: nowMs, turn, activeMs: activeUntil(nowMs, heart), times: readTimes() });
      if (readings.length > READINGS_MAX) readings.shift();
    },

    explain(startMs, durationMs, gc) {
      const endMs = startMs + durationMs;
      const pausedMs = Math.min(durationMs, pausedBetween(startMs, endMs));
      const gcMs = Math.min(durationMs, collectingBetween(startMs, endMs, gc));
      const from = readings.findLast((reading) => reading.atMs <= startMs) ?? readings[0];
      const to = readings.find((reading) => reading.atMs >= endMs) ?? readings.at(-1);
      if (!from?.times || !to?.times || from === to) return { gcMs, pausedMs };
      const elsewhereMs = Math.max(0, to.activeMs - from.activeMs - durationMs);
      const share = (ms: number): number => Math.max(0, Math.min(durationMs, ms));
      const cpuMs = share(to.times.cpuMs - from.times.cpuMs - elsewhereMs);
      const runQueueMs = share(to.times.runQueueMs - from.times.runQueueMs);
      return { cpuMs, runQueueMs, sleepMs: share(durationMs - cpuMs - runQueueMs), gcMs, pausedMs };
    },
  };
}

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
