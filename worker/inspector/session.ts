import { Session } from 'node:inspector';
import type { LookMark } from '../../src/shared/exit-interlock.js';

/** How often the end of the process is looked for while a session is open. */
const EXIT_POLL_MS = 5;
/** Main reads our goodbye when it is interrupted for it. */
const GOODBYE_MS = 20;

/**
 * Does `work` in a session with the main thread that is made for it, during the stall, and is gone after it,
 * on every path. No port is opened.
 * @returns `undefined` if the process came to its end meanwhile: the session ends at once then
 */
export async function withSession<T>(
  mark: LookMark,
  work: (session: Session) => Promise<T>,
): Promise<T | undefined> {
  const session = new Session();
  let poll: NodeJS.Timeout | undefined;
  // First: see `src/shared/exit-interlock.ts`.
  mark.set();
  try {
    if (mark.isExiting()) return undefined;
    session.connectToMainThread();
    const exiting = new Promise<undefined>((resolve) => {
      poll = setInterval(() => mark.isExiting() && resolve(undefined), EXIT_POLL_MS);
    });
    return await Promise.race([work(session), exiting]);
  } finally {
    clearInterval(poll);
    sayGoodbye(session);
    await new Promise((resolve) => setTimeout(resolve, GOODBYE_MS));
    mark.clear();
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
