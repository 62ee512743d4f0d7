import { performance } from 'node:perf_hooks';
import timers from 'node:timers';
import { CLOCK_OFFSET_MS, now } from '../shared/clock.js';
import { createTurnMeter, GO_ROUND, ROUSE, type TurnMeterMemory } from './turns.js';

// Taken at load, from the module and not from the globals: fake timers replace both later on.
const { setImmediate, setTimeout, clearTimeout, clearImmediate } = timers;
const { nodeTiming } = performance;

/** The loop has gone round so often more than the marker has run: Node.js runs it no longer. */
const UNMARKED_ROUNDS = 1000;

export interface HeartbeatOptions {
  readonly heartbeatInterval: number;
  readonly stallThreshold: number;
  readonly delayBuckets: readonly number[];
  /** Called with each beat of the pacer; `quiet` if it has backed off, since nothing else turned the loop. */
  readonly onPace: (nowMs: number, quiet: boolean) => void;
  /** Called at the end of each turn, while `sampling(true)`; `counted`: it was no empty round of our own. */
  readonly onTurn: (nowMs: number, counted: boolean) => void;
}

export interface Heartbeat {
  /** Turns the `onTurn` calls on or off. */
  sampling(on: boolean): void;
  /** The number of the turn in progress, from 0. */
  turn(): number;
  /** The longest delay of a turn of the last second, the one in progress included, in milliseconds. */
  worstMs(nowMs: number): number;
  /** For how long the loop has been held in all, the turn in progress included. */
  activeMs(nowMs: number): number;
  enterPause(): void;
  leavePause(): void;
  stop(): void;
}

/**
 * Starts the marker (an immediate that re-arms itself: once a turn, unref'd but for the round after one that
 * idled, never waking an idle loop) and the pacer (an unref'd timer: what makes an idle loop turn). Neither
 * keeps the process alive.
 */
export function startHeartbeat(memory: TurnMeterMemory, options: HeartbeatOptions): Heartbeat {
  const inLoop = nodeTiming.loopStart >= 0;
  const meter = createTurnMeter(memory, {
    heartbeatIntervalMs: options.heartbeatInterval,
    stallThresholdMs: options.stallThreshold,
    delayBoundsMs: options.delayBuckets,
    startedAtMs: now(),
    inLoop,
  });
  let loopStartMs = 0;
  let sampling = false;
  let immediate: NodeJS.Immediate;
  let timer: NodeJS.Timeout;
  let interval: number;
  /** Rounds of the loop less marks, at the latest beat. */
  let unmarked = Number.POSITIVE_INFINITY;
  let marks = 0;
  let mayGoRound = true;

  function mark(): void {
    const nowMs = now();
    if (loopStartMs === 0) loopStartMs = nodeTiming.loopStart + CLOCK_OFFSET_MS;
    const turn = meter.turn();
    marks += 1;
    const next = meter.mark(nowMs, nodeTiming.idleTime, loopStartMs);
    if (next & ROUSE) {
      clearTimeout(timer);
      arm(meter.rouse(nowMs));
    }
    // Before what is not ours runs: whatever that throws, the meter goes on.
    immediate = setImmediate(mark);
    if (!(next & GO_ROUND && mayGoRound)) immediate.unref();
    if (sampling) options.onTurn(nowMs, meter.turn() !== turn);
  }

  function arm(ms: number): void {
    interval = ms;
    timer = setTimeout(beat, ms).unref();
  }

  /**
   * After `clearImmediate` of something that is none Node.js counts one too few, and runs the last one only when
   * there is another. Ref'd, the marker would spin the loop for ever: no more of that, then.
   */
  function checkRounds(): void {
    const rounds = nodeTiming.uvMetricsInfo.loopCount - marks;
    if (rounds - unmarked > UNMARKED_ROUNDS) mayGoRound = false;
    unmarked = rounds;
  }

  /** The pacer's timer fired. */
  function beat(): void {
    const nowMs = now();
    const next = meter.pace(nowMs);
    // Before what is not ours runs: whatever that throws, the pacer goes on.
    if (next === interval) timer.refresh();
    else arm(next);
    // What keeps the loop alive is counted there, and the marker is not to be among it.
    checkRounds();
    const refd = immediate.hasRef() && mayGoRound;
    immediate.unref();
    options.onPace(nowMs, next > options.heartbeatInterval);
    if (refd) immediate.ref();
  }

  // Ref'd, as after a turn that idled: of the first round, too, two things are told apart.
  immediate = setImmediate(mark);
  arm(options.heartbeatInterval);

  return {
    sampling(on) {
      sampling = on;
    },
    turn: () => meter.turn(),
    worstMs: (nowMs) => Math.max(meter.worstMs(nowMs), meter.heldMs(nowMs, nodeTiming.idleTime)),
    activeMs: (nowMs) => meter.activeMs() + meter.heldMs(nowMs, nodeTiming.idleTime),
    enterPause: () => meter.enterPause(now(), nodeTiming.idleTime),
    leavePause: () => meter.leavePause(now(), nodeTiming.idleTime),
    stop() {
      clearImmediate(immediate);
      clearTimeout(timer);
    },
  };
}
