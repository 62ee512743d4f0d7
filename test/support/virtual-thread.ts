import type { ThreadReader } from '../../worker/system/thread.js';

/** The system books a running thread's time by its tick. */
const TICK_MS = 4;

/** A thread in virtual time, and its accounts as the system keeps them. */
export interface VirtualThread extends ThreadReader {
  run(ms: number): void;
  /** It could run, but gets no CPU. Booked once that is over. */
  wait(ms: number): void;
  endWait(): void;
  sleep(): void;
  /** Whether its accounts can be read. */
  hide(hidden: boolean): void;
}

export function createVirtualThread(): VirtualThread {
  let cpuMs = 1;
  let runQueueMs = 0;
  let waitedMs = 0;
  let state = 'S';
  let hidden = false;
  return {
    times: () => (hidden ? undefined : { cpuMs: Math.floor(cpuMs / TICK_MS) * TICK_MS, runQueueMs }),
    state: () => (hidden ? undefined : { state }),
    run(ms) {
      state = 'R';
      cpuMs += ms;
    },
    wait(ms) {
      state = 'R';
      waitedMs += ms;
    },
    endWait() {
      runQueueMs += waitedMs;
      waitedMs = 0;
    },
    sleep() {
      state = 'S';
    },
    hide(now) {
      hidden = now;
    },
  };
}
