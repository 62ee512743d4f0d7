import { Session } from 'node:inspector';
import type { LookMark } from '../../src/shared/exit-interlock.js';
import { answered, type Conversation, delay, nothingUnsettled, settled } from './conversation.js';
import { openWorkers, type Workers } from './workers.js';

/** How often the end of the process is looked for while a session is open. */
const EXIT_POLL_MS = 10;
/** Main reads our goodbye when it is interrupted for it. */
const GOODBYE_MS = 20;

/**
 * For what was asked the end of the process waits so long: it ends its worker threads, and one whose end our
 * question has taken away would be waited for by Node.js for ever. A thread that is in native code for longer
 * is waited for by Node.js in any case.
 */
const EXIT_ANSWERED_MS = 500;
/**
 * Who has used the session goes on after this long though it is not closed yet: something is owed. What comes
 * next may take this thread for long, and the end of the process would wait for it.
 */
const CLOSED_MS = 100;

/** An open session with the process. */
export interface Connection {
  readonly main: Conversation;
  /** The worker threads; attached to when they are first asked for. */
  workers(): Workers;
}

/**
 * The session with the main thread: made during the stall, and gone after it, on every path. All that look at
 * the same time share one. No port is opened.
 */
export interface Connections {
  /** @returns `undefined` if the process comes to its end meanwhile */
  use<T>(work: (connection: Connection) => Promise<T>): Promise<T | undefined>;
}

/** One that is open. */
interface Open {
  readonly connection: Connection;
  /** Settles when the process comes to its end. */
  readonly exiting: Promise<undefined>;
  close(): void;
}

export function openConnections(mark: LookMark): Connections {
  let open: Open | undefined;
  let users = 0;

  function end(one: Open): void {
    if (open !== one) return;
    open = undefined;
    one.close();
    setTimeout(() => {
      if (!open) mark.clear();
    }, GOODBYE_MS);
  }

  /** At once, unless a look has taken something away that it must be able to give back. */
  async function endOnceSettled(one: Open): Promise<void> {
    const { unsettled } = one.connection.main;
    const waiting = settled(unsettled);
    if (!waiting) return end(one);
    const closed = waiting.then(() => {
      if (users === 0 && !unsettled.isOver) end(one);
    });
    await Promise.race([closed, delay(CLOSED_MS)]);
  }

  async function endAtExit(one: Open): Promise<void> {
    const { unsettled } = one.connection.main;
    unsettled.isOver = true;
    await answered(unsettled, EXIT_ANSWERED_MS);
    end(one);
  }

  function connect(): Open | undefined {
    // First: see `src/shared/exit-interlock.ts`.
    mark.set();
    try {
      if (!mark.isExiting()) {
        open = openSession(mark);
        const one = open;
        void one.exiting.then(() => endAtExit(one));
        return one;
      }
    } catch (error) {
      mark.clear();
      throw error;
    }
    mark.clear();
    return undefined;
  }

  return {
    async use(work) {
      const one = mark.isExiting() ? undefined : (open ?? connect());
      if (!one) return undefined;
      users++;
      try {
        return await Promise.race([work(one.connection), one.exiting]);
      } finally {
        if (--users === 0) await endOnceSettled(one);
      }
    },
  };
}

function openSession(mark: LookMark): Open {
  const session = new Session();
  session.connectToMainThread();
  const main: Conversation = Object.assign(session, { unsettled: nothingUnsettled() });
  let workers: Workers | undefined;
  let poll: NodeJS.Timeout | undefined;
  const exiting = new Promise<undefined>((resolve) => {
    poll = setInterval(() => mark.isExiting() && resolve(undefined), EXIT_POLL_MS);
  });
  return {
    connection: {
      main,
      workers: () => {
        workers ??= openWorkers(main);
        return workers;
      },
    },
    exiting,
    close() {
      clearInterval(poll);
      workers?.close();
      // A pause that is still pending would stop the recovered app until somebody resumes it.
      session.post('Debugger.disable');
      // What main has logged meanwhile V8 keeps, with all that it refers to.
      session.post('Runtime.discardConsoleEntries');
      session.disconnect();
    },
  };
}
