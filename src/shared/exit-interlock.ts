import { now } from './clock.js';
import { GATE_EXITING, GATE_LOOKING } from './layout.js';

/** The longest that the end of the process waits for a look at it to be over. */
const WAIT_MAX_MS = 1000;

/**
 * Keeps the end of the process and a look into it apart. Node.js that ends with an inspector session connected says
 * "Waiting for the debugger to disconnect..." on standard error. Returns a function that ends the care.
 */
export function guardExit(memory: SharedArrayBuffer): () => void {
  const gate = new Int32Array(memory);
  const onExit = (): void => {
    // In this order, and in the sidecar the other way round: one of the two sees the other's mark.
    Atomics.store(gate, GATE_EXITING, 1);
    const deadlineMs = now() + WAIT_MAX_MS;
    // The look needs this thread, which serves it while it waits here.
    while (Atomics.load(gate, GATE_LOOKING) === 1 && now() < deadlineMs)
      Atomics.wait(gate, GATE_LOOKING, 1, 5);
  };
  process.on('exit', onExit);
  return () => process.off('exit', onExit);
}
