import { Session } from 'node:inspector';
import { GATE_EXITING, GATE_LOOKING } from '../../src/shared/layout.js';

/** How often the end of the process is looked for while a session is open. */
const EXIT_POLL_MS = 5;
/** Main reads our goodbye when it is interrupted for it. */
const GOODBYE_MS = 20;

/**
 * Does `work` in a session with the main thread that is made for it, during the stall, and is gone after it, on every path.
 * No port is opened.
 * @returns `undefined` if the process came to its end meanwhile: the session ends at once then
 */
export async function withSession<T>(
  gate: Int32Array,
  work: (session: Session) => Promise<T>,
): Promise<T | undefined> {
  const isExiting = (): boolean => Atomics.load(gate, GATE_EXITING) !== 0;
  const session = new Session();
  let poll: NodeJS.Timeout | undefined;
  // In this order, and main the other way round: one of the two sees the other's mark. See `src/shared/exit-interlock.ts`.
  Atomics.store(gate, GATE_LOOKING, 1);
  try {
    if (isExiting()) return undefined;
    session.connectToMainThread();
    const exiting = new Promise<undefined>((resolve) => {
      poll = setInterval(() => isExiting() && resolve(undefined), EXIT_POLL_MS);
    });
    return await Promise.race([work(session), exiting]);
  } finally {
    clearInterval(poll);
    sayGoodbye(session);
    await new Promise((resolve) => setTimeout(resolve, GOODBYE_MS));
    Atomics.store(gate, GATE_LOOKING, 0);
    Atomics.notify(gate, GATE_LOOKING);
  }
}

function sayGoodbye(session: Session): void {
  try {
    // A pause that is still pending would stop the recovered app until somebody resumes it.
    session.post('Debugger.disable');
    // What main has logged meanwhile V8 keeps, with all that it refers to.
    session.post('Runtime.discardConsoleEntries');
    session.disconnect();
  } catch {
    // It was never connected.
  }
}
