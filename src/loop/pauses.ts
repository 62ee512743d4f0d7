import { locked } from '../shared/regions.js';
import type { OpenTurn, StatsWriter } from './open-turn.js';

/** Known long work, by `pause()`; its time is not a stall's. */
export interface Pauses {
  /** How much of the turn in progress they have held the loop: they may also wait for events. */
  busyMs: number;
  /** How much of it they have taken after the turn was due to beat. */
  lateMs: number;
  /** Enters and leaves one; they nest. */
  enter(nowMs: number, idleMs: number): void;
  leave(nowMs: number, idleMs: number): void;
  /** Adds up what one that goes on has taken, at the end of the turn. */
  take(nowMs: number, idleMs: number): void;
  /** What they have taken is of a turn that is over. Inside of the seqlock. */
  forget(): void;
}

export function createPauses(stats: StatsWriter, turn: OpenTurn): Pauses {
  const { at, values, sequence } = stats;
  let depth = 0;
  let idleAtEnter = 0;

  function add(nowMs: number, idleMs: number): void {
    const since = values[at.pausedSinceMs] as number;
    // What a pause that began in an earlier turn took of this one begins with this one.
    const inTurn = since > turn.markMs;
    const heldMs = nowMs - (inTurn ? since : turn.markMs);
    pauses.busyMs += heldMs - (idleMs - (inTurn ? idleAtEnter : turn.idleMs));
    pauses.lateMs += Math.max(0, nowMs - Math.max(since, turn.dueMs, turn.markMs));
  }

  const pauses: Pauses = {
    busyMs: 0,
    lateMs: 0,
    enter(nowMs, idleMs) {
      if (depth++ > 0) return;
      idleAtEnter = idleMs;
      locked(sequence, () => {
        values[at.pausedSinceMs] = nowMs;
      });
    },
    leave(nowMs, idleMs) {
      if (--depth > 0) return;
      add(nowMs, idleMs);
      locked(sequence, () => {
        values[at.pausedSinceMs] = 0;
        values[at.pausedLateMs] = pauses.lateMs;
      });
    },
    take(nowMs, idleMs) {
      if (values[at.pausedSinceMs] !== 0) add(nowMs, idleMs);
    },
    forget() {
      if (pauses.busyMs === 0 && pauses.lateMs === 0) return;
      pauses.busyMs = 0;
      pauses.lateMs = 0;
      values[at.pausedLateMs] = 0;
    },
  };
  return pauses;
}
