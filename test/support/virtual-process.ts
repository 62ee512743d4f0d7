import type { Random } from './seed.js';
import type { VirtualLoop } from './virtual-loop.js';
import type { VirtualSidecar } from './virtual-sidecar.js';
import type { VirtualThread } from './virtual-thread.js';

/** A turn that held the loop, and what its time went into. */
export interface Hold {
  readonly fromMs: number;
  toMs: number;
  cpuMs: number;
  runQueueMs: number;
  sleepMs: number;
  suspendedMs: number;
}

export type Work = 'cpu' | 'contended' | 'starved' | 'blocked';
/** What the thread does, and for how long. */
export type Part = readonly [kind: Work, ms: number];

export interface VirtualProcessOptions {
  readonly loop: VirtualLoop;
  readonly thread: VirtualThread;
  readonly random: Random;
  /** Its first sidecar. */
  readonly sidecar: VirtualSidecar;
  /** Called when a turn has ended. */
  readonly onTurn?: (hold: Hold | undefined) => void;
}

/**
 * A process in virtual time: its main thread with the loop, and its sidecar, which polls when its time has
 * come.
 */
export interface VirtualProcess {
  readonly loop: VirtualLoop;
  /** `undefined` after its death. */
  sidecar: VirtualSidecar | undefined;
  /** The loop waits for events, and the pacer runs when it is due. */
  idle(ms: number): void;
  /** One turn of the loop; after the first part of it the process stands still for `stopMs`. */
  hold(parts: readonly Part[], stopMs?: number): void;
  /** One that begins in `pause()`. */
  holdPaused(paused: readonly Part[], then: readonly Part[]): void;
  /** The whole process stands still while the loop waits for events. */
  stop(ms: number): void;
  /** For how long it has stood still in all. */
  stoppedMs(): number;
  /** An event has come, but the thread gets no CPU: the loop, too, takes that for waiting. */
  starve(ms: number): void;
  /** From now on it is stopped and continued in slices. */
  slice(onMs: number, offMs: number): void;
}

type Pass = (ms: number) => void;

interface State {
  readonly options: VirtualProcessOptions;
  readonly process: { sidecar: VirtualSidecar | undefined };
  hold: Hold | undefined;
  slices: { readonly onMs: number; readonly offMs: number } | undefined;
  /** How much of its slice has passed. */
  sliceMs: number;
  stoppedMs: number;
}

export function createVirtualProcess(options: VirtualProcessOptions): VirtualProcess {
  const { loop, thread } = options;
  const process: VirtualProcess = {
    loop,
    sidecar: options.sidecar,
    idle: (ms) => idle(state, ms),
    hold(parts, stopMs = 0) {
      const hold = begin(state);
      parts.forEach((part, i) => {
        work(state, ...part);
        if (i === 0 && stopMs > 0) stop(state, stopMs, loop.pass);
      });
      end(state, hold);
    },
    holdPaused(paused, then) {
      const hold = begin(state);
      loop.enterPause();
      for (const part of paused) work(state, ...part);
      loop.leavePause();
      for (const part of then) work(state, ...part);
      end(state, hold);
    },
    stop(ms) {
      thread.sleep();
      stop(state, ms, loop.wait);
    },
    stoppedMs: () => state.stoppedMs,
    starve(ms) {
      live(state, ms, loop.wait, thread.wait);
      thread.endWait();
      endTurn(state, undefined);
    },
    slice(onMs, offMs) {
      state.slices = { onMs, offMs };
    },
  };
  const state: State = { options, process, hold: undefined, slices: undefined, sliceMs: 0, stoppedMs: 0 };
  return process;
}

function begin(state: State): Hold {
  const fromMs = state.options.loop.now();
  state.hold = { fromMs, toMs: 0, cpuMs: 0, runQueueMs: 0, sleepMs: 0, suspendedMs: 0 };
  return state.hold;
}

function end(state: State, hold: Hold): void {
  hold.toMs = state.options.loop.now();
  state.hold = undefined;
  endTurn(state, hold);
}

function endTurn(state: State, hold: Hold | undefined): void {
  state.options.loop.mark();
  state.options.onTurn?.(hold);
}

function idle(state: State, ms: number): void {
  const { loop, thread } = state.options;
  const endMs = loop.now() + ms;
  while (loop.now() < endMs) {
    const untilMs = Math.min(endMs, Math.max(loop.read().dueMs, loop.now()));
    // By the clock: it goes on while the process stands still.
    while (loop.now() < untilMs) {
      const sliceMs = state.slices ? state.slices.onMs - state.sliceMs : Number.POSITIVE_INFINITY;
      live(state, Math.min(untilMs - loop.now(), sliceMs), loop.wait, thread.sleep);
    }
    if (loop.now() >= endMs) return;
    endTurn(state, undefined);
  }
}

/** Time in which the process runs. */
function run({ options: { loop }, process }: State, ms: number, pass: Pass, note: Pass): void {
  const endMs = loop.now() + ms;
  while (loop.now() < endMs) {
    const dueMs = process.sidecar?.dueMs() ?? Number.POSITIVE_INFINITY;
    const stepMs = Math.max(0, Math.min(endMs, dueMs) - loop.now());
    note(stepMs);
    pass(stepMs);
    if (loop.now() >= dueMs) process.sidecar?.poll();
  }
}

/** The same, but stopped and continued in slices if that is so. */
function live(state: State, ms: number, pass: Pass, note: Pass): void {
  if (!state.slices) {
    run(state, ms, pass, note);
    return;
  }
  const { onMs, offMs } = state.slices;
  for (let left = ms; left > 0; ) {
    const stepMs = Math.min(left, onMs - state.sliceMs);
    run(state, stepMs, pass, note);
    left -= stepMs;
    state.sliceMs += stepMs;
    if (state.sliceMs >= onMs) stop(state, offMs, pass);
  }
}

function stop(state: State, ms: number, pass: Pass): void {
  state.sliceMs = 0;
  state.stoppedMs += ms;
  if (state.hold) state.hold.suspendedMs += ms;
  pass(ms);
}

/** The thread does this. */
function work(state: State, kind: Work, ms: number): void {
  const { loop, thread } = state.options;
  const spend = (part: 'cpuMs' | 'runQueueMs' | 'sleepMs', act: Pass, partMs: number): void =>
    live(state, partMs, loop.pass, (stepMs) => {
      act(stepMs);
      if (state.hold) state.hold[part] += stepMs;
    });
  if (kind === 'cpu') spend('cpuMs', thread.run, ms);
  else if (kind === 'blocked') spend('sleepMs', thread.sleep, ms);
  else {
    const { random } = state.options;
    for (let left = ms; left > 0; ) {
      const ranMs = Math.min(left, kind === 'starved' ? random(1, 5) : random(5, 40));
      spend('cpuMs', thread.run, ranMs);
      left -= ranMs;
      // Of its own accord nothing ends while it waits for a CPU.
      const waitMs = Math.min(left - 0.1, random(5, 40));
      if (waitMs <= 0) continue;
      spend('runQueueMs', thread.wait, waitMs);
      // A wait is booked when it is over.
      thread.endWait();
      left -= waitMs;
    }
  }
}
