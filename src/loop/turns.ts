import { latenessOf } from '../shared/lateness.js';
import { LOOP_STATS } from '../shared/layout.js';
import { NATIVE_ZERO_MS } from '../shared/native-buckets.js';
import { beginWrite, endWrite, locked, openWriter } from '../shared/regions.js';
import { createDelays } from './delays.js';
import type { OpenTurn } from './open-turn.js';
import { createPace } from './pace.js';
import { createPauses } from './pauses.js';
import { openStallRing } from './stalls.js';

/** A loop that was thought quiet turned for something else: the pacer must be re-armed. */
export const ROUSE = 1;
/**
 * The loop must go round once without waiting for events. Timers run before it waits, and what has come in
 * after it: without this both, and the wait between them, would be one turn, and two short holds look like
 * one that is long.
 */
export const GO_ROUND = 2;
/** libuv's clock of idling ticks when the loop waits, if only to look what has come in. */
const IDLED_MS = 0.05;
/** A round that was ours, and in which nothing happened but our own mark, is none of the app's turns. */
const NOTHING_MS = 0.05;
/** The same with the pacer's beat in it. */
const PACED_MS = 1;

export interface TurnMeterMemory {
  readonly stats: SharedArrayBuffer;
  readonly ring: SharedArrayBuffer;
}

export interface TurnMeterSettings {
  readonly heartbeatIntervalMs: number;
  readonly stallThresholdMs: number;
  /** Of the histogram of delays; ascending. */
  readonly delayBoundsMs: readonly number[];
  /** When `startWatchdog` was called, on the shared clock. */
  readonly startedAtMs: number;
  /** Whether the loop was turning then. If so the rest of that turn is start-up too. */
  readonly inLoop: boolean;
}

/**
 * The turn accounting of one event loop. Takes its clock as arguments; `heartbeat.ts` gives it a real one.
 */
export interface TurnMeter {
  /**
   * Ends a turn.
   * @param nowMs the shared clock
   * @param idleMs libuv's total time in poll, `performance.nodeTiming.idleTime`
   * @param loopStartMs when the loop began to turn, on the shared clock
   * @returns {@link ROUSE} and {@link GO_ROUND}, added up
   */
  mark(nowMs: number, idleMs: number, loopStartMs: number): number;
  /** Notes that the pacer ran. Returns the milliseconds until it is due again. */
  pace(nowMs: number): number;
  /**
   * Ends the pacer's back-off; for one beat only, unless more turns follow: V8's own housekeeping turns an
   * idle loop, too. Returns the milliseconds until it is due again.
   */
  rouse(nowMs: number): number;
  /** The number of the turn in progress, from 0. */
  turn(): number;
  /**
   * The longest delay of the turns of the last second, in milliseconds; those under {@link
   * NATIVE_ZERO_MS} may count as 0.
   */
  worstMs(nowMs: number): number;
  /** How long the turn in progress has held the loop. */
  heldMs(nowMs: number, idleMs: number): number;
  /** Sum of the turns' delays. */
  activeMs(): number;
  /** Enters and leaves known long work; nests. `idleMs` as for `mark`. */
  enterPause(nowMs: number, idleMs: number): void;
  leavePause(nowMs: number, idleMs: number): void;
}

export function createTurnMeter(memory: TurnMeterMemory, settings: TurnMeterSettings): TurnMeter {
  const { heartbeatIntervalMs, stallThresholdMs, delayBoundsMs, startedAtMs } = settings;
  const stats = openWriter('loop', LOOP_STATS, memory.stats);
  const { at, values, sequence } = stats;
  // One array access each on the hot path: offsets as constants of the closure.
  const { lastMarkMs: LAST_MARK, turns: TURNS, delayMs: DELAY, halfSquareMs2: HALF_SQUARE } = at;
  /** Shorter turns are no news. */
  const noted = Math.min(NATIVE_ZERO_MS, delayBoundsMs[0] as number);
  const turn: OpenTurn = { markMs: startedAtMs, idleMs: 0, dueMs: startedAtMs + heartbeatIntervalMs };
  const pauses = createPauses(stats, turn);
  const delays = createDelays(stats, delayBoundsMs);
  const pace = createPace(stats, turn, pauses, settings);
  const noteStall = openStallRing(stats, memory.ring, pauses, stallThresholdMs);
  let beating = false;
  let turns = 0;
  /** The turn in progress is a round that we asked for. */
  let rounding = false;
  /** Under this nothing has happened in it. */
  let nothingMs = NOTHING_MS;

  locked(sequence, () => {
    values[at.startedAtMs] = startedAtMs;
    values[LAST_MARK] = startedAtMs;
    values[at.dueMs] = turn.dueMs;
  });

  function begin(nowMs: number, idleMs: number, loopStartMs: number): void {
    beating = true;
    turn.markMs = settings.inLoop ? nowMs : Math.max(loopStartMs, startedAtMs);
    // A loop that began after startWatchdog has idled only since then; else all its idling lies behind us.
    turn.idleMs = settings.inLoop ? idleMs : 0;
    locked(sequence, () => {
      values[at.loopStartedAtMs] = turn.markMs;
      values[LAST_MARK] = turn.markMs;
    });
  }

  return {
    mark(nowMs, idleMs, loopStartMs) {
      if (!beating) begin(nowMs, idleMs, loopStartMs);
      const idled = idleMs - turn.idleMs;
      const busy = Math.max(0, nowMs - turn.markMs - idled);
      const late = latenessOf(nowMs, turn.dueMs, turn.markMs);
      const delay = Math.max(late, busy);
      const empty = rounding && delay < nothingMs;
      if (!empty) turns++;
      nothingMs = NOTHING_MS;
      // While something ran a timer may have come due.
      rounding = idled >= IDLED_MS || (busy >= NOTHING_MS && !empty);
      beginWrite(sequence);
      values[LAST_MARK] = nowMs;
      values[TURNS] = turns;
      values[DELAY] = (values[DELAY] as number) + delay;
      values[HALF_SQUARE] = (values[HALF_SQUARE] as number) + (delay * delay) / 2;
      if (delay > noted) {
        delays.note(nowMs, delay);
        noteStall(turns - 1, nowMs, idleMs, busy, late);
      }
      pauses.forget();
      endWrite(sequence);
      turn.markMs = nowMs;
      turn.idleMs = idleMs;
      return wishes(!empty && pace.isAsleep(nowMs), rounding);
    },
    pace(nowMs) {
      nothingMs = PACED_MS;
      return pace.ran(nowMs, turns);
    },
    rouse: (nowMs) => pace.rouse(nowMs, turns),
    turn: () => turns,
    worstMs: delays.worstMs,
    heldMs: (nowMs, idleMs) => (beating ? Math.max(0, nowMs - turn.markMs - (idleMs - turn.idleMs)) : 0),
    activeMs: () => values[DELAY] as number,
    enterPause: pauses.enter,
    leavePause: pauses.leave,
  };
}

const wishes = (rouse: boolean, round: boolean): number => (rouse ? ROUSE : 0) + (round ? GO_ROUND : 0);
