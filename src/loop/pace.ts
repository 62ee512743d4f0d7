import { TIMER_SLACK_MS } from '../shared/lateness.js';
import { beginWrite, endWrite } from '../shared/regions.js';
import type { OpenTurn, StatsWriter } from './open-turn.js';
import type { Pauses } from './pauses.js';

/** An idle loop is woken by the pacer alone; after this long the pacer begins to back off. */
export const QUIET_AFTER_MS = 1000;
/** The longest that the pacer sleeps. */
export const PACE_MAX_MS = 1000;

/** When the pacer is due. `turns` is how many there were so far. */
export interface Pace {
  /** It has backed off, and is not due yet. */
  isAsleep(nowMs: number): boolean;
  /** It ran. Returns the milliseconds until it is due again. */
  ran(nowMs: number, turns: number): number;
  /** Ends its back-off. Returns the milliseconds until it is due again. */
  rouse(nowMs: number, turns: number): number;
}

export function createPace(
  { at, values, sequence }: StatsWriter,
  turn: OpenTurn,
  pauses: Pauses,
  { heartbeatIntervalMs, startedAtMs }: { heartbeatIntervalMs: number; startedAtMs: number },
): Pace {
  let interval = heartbeatIntervalMs;
  let turnsAtPace = 0;
  let busyAt = startedAtMs;

  function publish(nowMs: number, ms: number): number {
    interval = ms;
    turn.dueMs = nowMs + ms;
    pauses.lateMs = 0;
    beginWrite(sequence);
    values[at.dueMs] = turn.dueMs;
    values[at.pausedLateMs] = 0;
    endWrite(sequence);
    return ms;
  }

  return {
    isAsleep: (nowMs) => interval !== heartbeatIntervalMs && nowMs < turn.dueMs - TIMER_SLACK_MS,
    ran(nowMs, turns) {
      // The pacer's own wake-up is one turn, marked just before it runs. Any more, and the app did something.
      if (turns - turnsAtPace > 1) busyAt = nowMs;
      turnsAtPace = turns;
      const quiet = nowMs - busyAt >= QUIET_AFTER_MS;
      return publish(nowMs, quiet ? Math.min(interval * 2, PACE_MAX_MS) : heartbeatIntervalMs);
    },
    rouse(nowMs, turns) {
      turnsAtPace = turns;
      return publish(nowMs, heartbeatIntervalMs);
    },
  };
}
