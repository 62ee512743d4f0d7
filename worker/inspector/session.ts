import { Session } from 'node:inspector';
import type { LookMark } from '../../src/shared/exit-interlock.js';
import { type Conversation, nothingUnsettled, settled } from './conversation.js';
import { openWorkers, type Workers } from './workers.js';

/** How often the end of the process is looked for while a session is open. */
const EXIT_POLL_MS = 10;
/** Main reads our goodbye when it is interrupted for it. */
const GOODBYE_MS = 20;

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
  /** @returns `undefined` if the process comes to its end meanwhile: the session ends at once then */
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
  function endOnceSettled(one: Open): void {
    const waiting = settled(one.connection.main.unsettled);
    if (waiting) void waiting.then(() => users === 0 && end(one));
    else end(one);
  }

  function connect(): Open | undefined {
    // First: see `src/shared/exit-interlock.ts`.
    mark.set();
    try {
      if (!mark.isExiting()) {
        open = openSession(mark);
        const one = open;
        void one.exiting.then(() => end(one));
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
      const one = open ?? connect();
      if (!one) return undefined;
      users++;
      try {
        return await Promise.race([work(one.connection), one.exiting]);
      } finally {
        if (--users === 0) endOnceSettled(one);
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
