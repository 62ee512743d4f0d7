import { now } from './clock.js';

/**
 * Keeps the end of the process and a look into it apart: Node.js that ends with an inspector session
 * connected says "Waiting for the debugger to disconnect..." on standard error. Each side sets its own mark
 * first and reads the other's after it, so that one of the two sees the other's.
 */
export const INTERLOCK_BYTES = 8;
/** 1 from the `exit` event on. Main writes. */
const EXITING = 0;
/** 1 while a session is connected to main. The inspector thread writes, and the sidecar for one that died. */
export const LOOKING = 1;

/** The longest that the end of the process waits for a look at it to be over. */
const WAIT_MAX_MS = 1000;

/** Main's side. Returns a function that ends the care. */
export function guardExit(memory: SharedArrayBuffer): () => void {
  const marks = new Int32Array(memory);
  const onExit = (): void => {
    Atomics.store(marks, EXITING, 1);
    const deadlineMs = now() + WAIT_MAX_MS;
    // The look needs this thread, which serves it while it waits here.
    while (Atomics.load(marks, LOOKING) === 1 && now() < deadlineMs) Atomics.wait(marks, LOOKING, 1, 5);
  };
  process.on('exit', onExit);
  return () => process.off('exit', onExit);
}

/** The side of those who look. */
export interface LookMark {
  set(): void;
  /** Lets main end, if it waits. */
  clear(): void;
  isExiting(): boolean;
}

export function openLookMark(memory: SharedArrayBuffer): LookMark {
  const marks = new Int32Array(memory);
  return {
    set: () => void Atomics.store(marks, LOOKING, 1),
    clear() {
      Atomics.store(marks, LOOKING, 0);
      Atomics.notify(marks, LOOKING);
    },
    isExiting: () => Atomics.load(marks, EXITING) !== 0,
  };
}
