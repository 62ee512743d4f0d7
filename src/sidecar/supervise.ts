import timers from 'node:timers';
import { MessageChannel, Worker } from 'node:worker_threads';
import { expose, type Remote, transferHandlers, wrap } from 'comlink';
import { WatchdogError, type WatchdogErrorCode } from '../errors.js';
import { createReady } from '../ready.js';
import { now } from '../shared/clock.js';
import { startDeadline, withDeadline } from '../shared/deadline.js';
import { carryErrorCodes, endpointOf } from '../shared/endpoint.js';
import type { Address, Control, Host, SidecarData } from '../shared/protocol.js';
import { reasonOf, warn } from '../warn.js';
import { sidecarSource } from './source.js';

const { setTimeout, clearTimeout } = timers;

carryErrorCodes(transferHandlers);

/** The sidecar's heap, in MiB: some twenty times what it uses. */
const HEAP_MB = 96;
/**
 * What V8 reserves for its machine code, in MiB. By default it is 128 and more, of address space only; but where
 * that is limited (`ulimit -v`: shared hosting, grid engines) and cannot be had, V8 ends the whole process.
 */
const CODE_MB = 16;
const CALL_DEADLINE_MS = 5000;
const CLOSE_DEADLINE_MS = 1000;
/** A thread that was ended and hangs in a call of the system is given up after this long. */
const END_DEADLINE_MS = 1000;
/** How long the first sidecar may take, deaths and respawns included. It takes 30 to 55 ms. */
const START_DEADLINE_MS = 30_000;

const RESPAWN_FIRST_MS = 50;
/** The port should be back within two seconds: the first ten respawns in a row never wait longer than this. */
const RESPAWN_MAX_MS = 1000;
const RESPAWN_PATIENCE = 10;
/** What dies on and on is tried again once a minute. */
const RESPAWN_TIRED_MS = 60_000;
/** A sidecar that lived this long was healthy: the back-off begins anew. */
const HEALTHY_AFTER_MS = 30_000;

export interface SidecarEvents {
  /** What the next sidecar is born with; asked at each birth. */
  data(port: number | undefined): Omit<SidecarData, 'control' | 'host'>;
  readonly host: Host;
  /** A sidecar died. */
  onDeath(error: Error): void;
}

/** The sidecar thread as main sees it: one that is always there, whatever happens to the threads behind it. */
export interface Sidecar {
  readonly ready: Promise<Address>;
  /** Calls the living sidecar; rejects when it dies meanwhile or does not answer in time. */
  call<T>(method: (control: Remote<Control>) => Promise<T>): Promise<T>;
  /** Tells it something it needs only while it lives: its successor is born with it. */
  tell(method: (control: Remote<Control>) => Promise<unknown>): void;
  /** Ends the living sidecar, which does not answer any more, and starts another. */
  replace(): void;
  close(): Promise<void>;
}

interface Incarnation {
  readonly worker: Worker;
  readonly control: Remote<Control>;
  /**
   * Tells once when the thread is gone. Not a promise: calls that raced with one that is pending for days would stay with it.
   * @returns a function that forgets the listener
   */
  onDeath(listener: (error: WatchdogError) => void): () => void;
  /** Ends the thread; if it hangs in a call of the system it is given up. */
  end(reason: string): void;
}

/** The outcome of a call, or the death of the thread that was to answer it. */
function whileAlive<T>({ onDeath }: Incarnation, outcome: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const forget = onDeath(reject);
    outcome.then(resolve, reject).finally(forget);
  });
}

export function startSidecar(events: SidecarEvents): Sidecar {
  // An app must not die of its watchdog: nobody needs to listen.
  const ready = createReady<Address>();
  let current: Incarnation | undefined;
  let port: number | undefined;
  let deathsInARow = 0;
  let lastDeath: WatchdogError | undefined;
  let respawn: NodeJS.Timeout | undefined;
  let closing: Promise<void> | undefined;

  const endStartDeadline = startDeadline(START_DEADLINE_MS, false, () => {
    fail(
      new WatchdogError('ERR_WATCHDOG_SIDECAR_FAILED', 'The sidecar thread did not start.', {
        cause: lastDeath,
      }),
    );
  });

  function fail(error: WatchdogError): void {
    endStartDeadline();
    ready.reject(error);
    warn(error.message, error.code);
  }

  /** The thread could not be made. */
  function notMade(error: Error & { code?: string }): void {
    lastDeath = new WatchdogError(
      'ERR_WATCHDOG_SIDECAR_FAILED',
      `The sidecar thread cannot start: ${reasonOf(error)}`,
      { cause: error },
    );
    if (error.code === 'ERR_ACCESS_DENIED') {
      // The permission model without --allow-worker: it never changes its mind.
      fail(lastDeath);
      return;
    }
    // No thread or memory to be had, now.
    if (deathsInARow === 0) warn(`${lastDeath.message}. It is tried again.`, 'WATCHDOG_SIDECAR_DELAYED');
    spawnLater();
  }

  function spawnLater(): void {
    const wait = RESPAWN_FIRST_MS * 2 ** deathsInARow++;
    const limit = deathsInARow <= RESPAWN_PATIENCE ? RESPAWN_MAX_MS : RESPAWN_TIRED_MS;
    respawn = setTimeout(spawn, Math.min(wait, limit)).unref();
  }

  function spawn(): void {
    const bornAtMs = now();
    let incarnation: Incarnation;
    try {
      incarnation = bear(events, port);
    } catch (error) {
      notMade(error as Error & { code?: string });
      return;
    }
    current = incarnation;
    incarnation.onDeath((error) => {
      current = undefined;
      if (closing) return;
      lastDeath = error;
      if (now() - bornAtMs > HEALTHY_AFTER_MS) deathsInARow = 0;
      events.onDeath(error);
      spawnLater();
    });
    whileAlive(incarnation, incarnation.control.ready()).then(
      (address) => {
        endStartDeadline();
        port = address.port;
        ready.resolve(address);
      },
      (error: Error & { code?: string }) => {
        // Death is dealt with above; what has a code is the server's reason for not listening.
        if (error.code !== undefined && !(error instanceof WatchdogError)) fail(coded(error));
      },
    );
  }

  spawn();

  const call: Sidecar['call'] = (method) => {
    const alive = current;
    if (closing) return Promise.reject(new WatchdogError('ERR_WATCHDOG_CLOSED', 'The watchdog is closed.'));
    if (!alive) {
      return Promise.reject(
        new WatchdogError('ERR_WATCHDOG_SIDECAR_FAILED', 'The sidecar is down; it will be started again.', {
          cause: lastDeath,
        }),
      );
    }
    return withDeadline(
      whileAlive(alive, method(alive.control)),
      CALL_DEADLINE_MS,
      () =>
        new WatchdogError(
          'ERR_WATCHDOG_TIMEOUT',
          `The sidecar did not answer within ${CALL_DEADLINE_MS} ms.`,
        ),
    );
  };

  return {
    get ready() {
      return ready.promise;
    },
    call,
    tell(method) {
      // A dead sidecar's successor is born with the news.
      if (current) method(current.control).catch(() => {});
    },
    replace: () => current?.end('it did not answer any more'),
    close() {
      closing ??= (async () => {
        clearTimeout(respawn);
        endStartDeadline();
        ready.reject(new WatchdogError('ERR_WATCHDOG_CLOSED', 'The watchdog was closed before it listened.'));
        if (!current) return;
        const { worker, control } = current;
        await withDeadline(
          whileAlive(current, control.close()),
          CLOSE_DEADLINE_MS,
          () => new WatchdogError('ERR_WATCHDOG_TIMEOUT', 'The sidecar did not close in time.'),
        ).catch(() => {}); // Terminated anyway, next.
        // It may hang in a call of the system; it is unref'd, and does no harm.
        await withDeadline(
          worker.terminate(),
          CLOSE_DEADLINE_MS,
          () => new WatchdogError('ERR_WATCHDOG_TIMEOUT', 'The sidecar did not end in time.'),
        ).catch(() => {});
      })();
      return closing;
    },
  };
}

/** One new sidecar thread. It inherits nothing, keeps nothing alive, and needs nothing more of main to serve. */
function bear(events: SidecarEvents, port: number | undefined): Incarnation {
  const control = new MessageChannel();
  const host = new MessageChannel();
  const data: SidecarData = { ...events.data(port), control: control.port2, host: host.port2 };
  const worker = new Worker(sidecarSource(), {
    eval: true,
    name: 'event-loop-watchdog',
    workerData: data,
    transferList: [control.port2, host.port2],
    // The app's loaders, preloads and tracing agents are not for this thread; nor are its secrets.
    execArgv: ['--no-warnings'],
    env: {},
    argv: [],
    stdin: false,
    // Kept to itself: else Node.js opens the app's own streams, which makes a pipe on 1 or 2 non-blocking for the whole
    // app, and has an EPIPE there end the process. The sidecar writes nothing to them; see `worker/main.ts`.
    stdout: true,
    stderr: true,
    resourceLimits: {
      maxOldGenerationSizeMb: HEAP_MB,
      maxYoungGenerationSizeMb: 16,
      codeRangeSizeMb: CODE_MB,
    },
  });
  worker.unref();
  expose(events.host, endpointOf(host.port1));
  let reason: unknown;
  // Without a listener a fault of the sidecar would be the app's uncaught exception.
  worker.on('error', (error) => {
    reason = error;
  });
  const listeners = new Set<(error: WatchdogError) => void>();
  let dead = false;
  const die = (why: string): void => {
    if (dead) return;
    dead = true;
    control.port1.close();
    host.port1.close();
    const error = new WatchdogError('ERR_WATCHDOG_SIDECAR_FAILED', `The sidecar thread died: ${why}`, {
      cause: reason,
    });
    for (const listener of listeners) listener(error);
  };
  worker.once('exit', (code) => die(reason === undefined ? `exit code ${code}` : reasonOf(reason)));
  return {
    worker,
    control: wrap<Control>(endpointOf(control.port1)),
    onDeath(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    end(why) {
      const end = (): void => die(why);
      worker.terminate().then(end, end);
      setTimeout(end, END_DEADLINE_MS).unref();
    },
  };
}

function coded(error: Error & { code?: string }): WatchdogError {
  return new WatchdogError(error.code as WatchdogErrorCode, error.message, { cause: error });
}
