import { latenessOf, TIMER_SLACK_MS } from '../shared/lateness.js';
import {
  beginWrite,
  DELAY_BOUNDS_MS,
  endWrite,
  LOOP_STATS,
  locked,
  openWriter,
  RING,
  RING_SIZE,
  WORST_SLOTS,
} from '../shared/layout.js';

/** An idle loop is woken by the pacer alone; after this long the pacer begins to back off. */
export const QUIET_AFTER_MS = 1000;
/** What is told of the last second is kept in two halves. */
const HALF_WINDOW_MS = 500;
/** The longest that the pacer sleeps. */
export const PACE_MAX_MS = 1000;

/** A loop that was thought quiet turned for something else: the pacer must be re-armed. */
export const ROUSE = 1;
/**
 * The loop must go round once without waiting for events. Timers run before it waits, and what has come in after it: without
 * this both, and the wait between them, would be one turn, and two short holds look like one that is long.
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
  /** When `startWatchdog` was called, on the shared clock. */
  readonly startedAtMs: number;
  /** Whether the loop was turning then. If so the rest of that turn is start-up too. */
  readonly inLoop: boolean;
}

/** The turn accounting of one event loop. Takes its clock as arguments; `heartbeat.ts` gives it a real one. */
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
   * Ends the pacer's back-off; for one beat only, unless more turns follow: V8's own housekeeping turns an idle loop, too.
   * Returns the milliseconds until it is due again.
   */
  rouse(nowMs: number): number;
  /** The number of the turn in progress, from 0. */
  turn(): number;
  /** The longest delay of the turns of the last second, in milliseconds; those under the first bound count as 0. */
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
  const { heartbeatIntervalMs, stallThresholdMs, startedAtMs } = settings;
  const { at, values, sequence } = openWriter('loop', LOOP_STATS, memory.stats);
  const ring = openWriter('loop', RING, memory.ring);
  // One array access each on the hot path: offsets as constants of the closure, state in locals.
  const { lastMarkMs: LAST_MARK, dueMs: DUE, turns: TURNS, delayMs: DELAY, halfSquareMs2: HALF_SQUARE } = at;
  const firstBound = DELAY_BOUNDS_MS[0] as number;

  let beating = false;
  let lastMark = startedAtMs;
  let lastIdle = 0;
  let turns = 0;
  let interval = heartbeatIntervalMs;
  let due = startedAtMs + interval;
  let turnsAtPace = 0;
  let busyAt = startedAtMs;
  let pauseDepth = 0;
  let pauseIdle = 0;
  /** How much of the turn in progress `pause()` has held the loop: it may also wait for events. */
  let pausedBusy = 0;
  /** How much of it `pause()` has taken after the turn was due to beat. */
  let pausedLate = 0;
  /** The turn in progress is a round that we asked for. */
  let rounding = false;
  /** The pacer ran in it. */
  let pacing = false;
  // The longest delay of this half of the last second, and of the half before it.
  let halfFromMs = Number.NEGATIVE_INFINITY;
  let worstNow = 0;
  let worstBefore = 0;

  locked(sequence, () => {
    values[at.startedAtMs] = startedAtMs;
    values[LAST_MARK] = startedAtMs;
    values[DUE] = due;
  });

  /** A turn long enough to be seen: bounds, worst of the second, stall ring. Called inside the seqlock. */
  function noteDelay(nowMs: number, idleMs: number, busy: number, late: number): void {
    const delay = Math.max(late, busy);
    for (let i = 0; i < DELAY_BOUNDS_MS.length; i++) {
      const over = delay - (DELAY_BOUNDS_MS[i] as number);
      if (over <= 0) break;
      values[at.excessMs + i] = (values[at.excessMs + i] as number) + over;
    }
    if (nowMs - halfFromMs >= HALF_WINDOW_MS) {
      worstBefore = nowMs - halfFromMs < 2 * HALF_WINDOW_MS ? worstNow : 0;
      worstNow = 0;
      halfFromMs = nowMs;
    }
    if (delay > worstNow) worstNow = delay;

    const second = Math.floor(nowMs / 1000);
    const slot = second & (WORST_SLOTS - 1);
    if (values[at.worstSecond + slot] !== second) {
      values[at.worstSecond + slot] = second;
      values[at.worstMs + slot] = 0;
    }
    if (delay > (values[at.worstMs + slot] as number)) values[at.worstMs + slot] = delay;

    if (delay < stallThresholdMs) return;
    if (values[at.pausedSinceMs] !== 0) takePause(nowMs, idleMs);
    const stall = Math.max(busy - pausedBusy, late - pausedLate);
    if (stall < stallThresholdMs) return;
    const start = nowMs - delay;
    const count = values[at.stalls] as number;
    const index = count % RING_SIZE;
    ring.values[ring.at.turn + index] = turns - 1;
    ring.values[ring.at.startMs + index] = start;
    ring.values[ring.at.durationMs + index] = stall;
    // At one stroke: the ring is never closed to readers, who know by the count which of it is whole.
    Atomics.add(ring.sequence, 0, 2);
    values[at.stalledMs] = (values[at.stalledMs] as number) + stall;
    // Last: the sidecar reads the ring only up to this count.
    values[at.stalls] = count + 1;
  }

  /** Adds up what the pause that ends, or goes on over the end of the turn, has taken of the turn. */
  function takePause(nowMs: number, idleMs: number): void {
    const since = values[at.pausedSinceMs] as number;
    // What a pause that began in an earlier turn took of this one begins with this one.
    const inTurn = since > lastMark;
    pausedBusy += nowMs - (inTurn ? since : lastMark) - (idleMs - (inTurn ? pauseIdle : lastIdle));
    pausedLate += Math.max(0, nowMs - Math.max(since, due, lastMark));
  }

  function begin(nowMs: number, idleMs: number, loopStartMs: number): void {
    beating = true;
    const from = settings.inLoop ? nowMs : Math.max(loopStartMs, startedAtMs);
    lastMark = from;
    // A loop that began after startWatchdog has idled only since then; else all its idling lies behind us.
    lastIdle = settings.inLoop ? idleMs : 0;
    locked(sequence, () => {
      values[at.loopStartedAtMs] = from;
      values[LAST_MARK] = from;
    });
  }

  function publishDue(nowMs: number, ms: number): number {
    interval = ms;
    due = nowMs + ms;
    pausedLate = 0;
    beginWrite(sequence);
    values[DUE] = due;
    values[at.pausedLateMs] = 0;
    endWrite(sequence);
    return ms;
  }

  return {
    mark(nowMs, idleMs, loopStartMs) {
      if (!beating) begin(nowMs, idleMs, loopStartMs);
      const span = nowMs - lastMark;
      const idled = idleMs - lastIdle;
      let busy = span - idled;
      if (busy < 0) busy = 0;
      const late = latenessOf(nowMs, due, lastMark);
      const delay = Math.max(late, busy);
      const empty = rounding && delay < (pacing ? PACED_MS : NOTHING_MS);
      if (!empty) turns++;
      pacing = false;
      // While something ran a timer may have come due.
      rounding = idled >= IDLED_MS || (busy >= NOTHING_MS && !empty);
      beginWrite(sequence);
      values[LAST_MARK] = nowMs;
      values[TURNS] = turns;
      values[DELAY] = (values[DELAY] as number) + delay;
      values[HALF_SQUARE] = (values[HALF_SQUARE] as number) + (delay * delay) / 2;
      if (delay > firstBound) noteDelay(nowMs, idleMs, busy, late);
      if (pausedBusy !== 0 || pausedLate !== 0) {
        pausedBusy = 0;
        pausedLate = 0;
        values[at.pausedLateMs] = 0;
      }
      endWrite(sequence);
      lastMark = nowMs;
      lastIdle = idleMs;
      const rouse = !empty && interval !== heartbeatIntervalMs && nowMs < due - TIMER_SLACK_MS;
      return (rouse ? ROUSE : 0) + (rounding ? GO_ROUND : 0);
    },

    pace(nowMs) {
      pacing = true;
      // The pacer's own wake-up is one turn, marked just before it runs. Any more, and the app did something.
      if (turns - turnsAtPace > 1) busyAt = nowMs;
      turnsAtPace = turns;
      const quiet = nowMs - busyAt >= QUIET_AFTER_MS;
      return publishDue(nowMs, quiet ? Math.min(interval * 2, PACE_MAX_MS) : heartbeatIntervalMs);
    },

    rouse(nowMs) {
      turnsAtPace = turns;
      return publishDue(nowMs, heartbeatIntervalMs);
    },

    turn: () => turns,
    worstMs(nowMs) {
      const sinceMs = nowMs - halfFromMs;
      if (sinceMs >= 2 * HALF_WINDOW_MS) return 0;
      return sinceMs >= HALF_WINDOW_MS ? worstNow : Math.max(worstNow, worstBefore);
    },
    heldMs: (nowMs, idleMs) => (beating ? Math.max(0, nowMs - lastMark - (idleMs - lastIdle)) : 0),
    activeMs: () => values[DELAY] as number,

    enterPause(nowMs, idleMs) {
      if (pauseDepth++ > 0) return;
      pauseIdle = idleMs;
      locked(sequence, () => {
        values[at.pausedSinceMs] = nowMs;
      });
    },

    leavePause(nowMs, idleMs) {
      if (--pauseDepth > 0) return;
      takePause(nowMs, idleMs);
      locked(sequence, () => {
        values[at.pausedSinceMs] = 0;
        values[at.pausedLateMs] = pausedLate;
      });
    },
  };
}
