import timers from 'node:timers';
import type { Remote } from 'comlink';
import { WatchdogError, type WatchdogErrorCode } from '../errors.js';
import { createReady, type Ready } from '../ready.js';
import { now } from '../shared/clock.js';
import { startDeadline, withDeadline } from '../shared/deadline.js';
import type { Address, Control, Host, SidecarData } from '../shared/protocol.js';
import { reasonOf, warn } from '../warn.js';
import { createBackoff } from './backoff.js';
import { type Incarnation, spawnSidecar, whileAlive } from './spawn.js';

const { setTimeout, clearTimeout } = timers;

const CALL_DEADLINE_MS = 5000;
const CLOSE_DEADLINE_MS = 1000;
/** How long the first sidecar may take, deaths and respawns included. It takes 30 to 55 ms. */
const START_DEADLINE_MS = 30_000;

export interface SidecarEvents {
  /** What the next sidecar is born with; asked at each birth. */
  data(port: number | undefined): Omit<SidecarData, 'control' | 'host'>;
  readonly host: Host;
  /** A sidecar died. */
  onDeath(error: Error): void;
}

/**
 * The sidecar thread as main sees it: one that is always there, whatever happens to the threads behind it.
 */
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

/** Starts a sidecar, and another whenever one dies. */
export function superviseSidecar(events: SidecarEvents): Sidecar {
  const start = awaitStart(() => succession.lastDeath());
  const succession = startSuccession(events, start);
  let closing: Promise<void> | undefined;
  return {
    get ready() {
      return start.ready.promise;
    },
    call(method) {
      if (closing) return Promise.reject(new WatchdogError('ERR_WATCHDOG_CLOSED', 'The watchdog is closed.'));
      const alive = succession.alive();
      if (!alive)
        return Promise.reject(
          failed('The sidecar is down; it will be started again.', succession.lastDeath()),
        );
      const late = `The sidecar did not answer within ${CALL_DEADLINE_MS} ms.`;
      return orLate(whileAlive(alive, method(alive.control)), CALL_DEADLINE_MS, late);
    },
    tell(method) {
      const alive = succession.alive();
      // A dead sidecar's successor is born with the news.
      if (alive) method(alive.control).catch(() => {});
    },
    replace: () => succession.alive()?.end('it did not answer any more'),
    close() {
      closing ??= (async () => {
        const last = succession.end();
        start.end();
        if (last) await endInPeace(last);
      })();
      return closing;
    },
  };
}

/** Whether the first sidecar comes to serve. */
interface Start {
  readonly ready: Ready<Address>;
  /** It serves. */
  serves(address: Address): void;
  /** It never will. */
  fail(error: WatchdogError): void;
  /** Nobody waits for it any more. */
  end(): void;
}

function awaitStart(lastDeath: () => Error | undefined): Start {
  // An app must not die of its watchdog: nobody needs to listen.
  const ready = createReady<Address>();
  const endDeadline = startDeadline(START_DEADLINE_MS, false, () =>
    fail(failed('The sidecar thread did not start.', lastDeath())),
  );
  function fail(error: WatchdogError): void {
    endDeadline();
    ready.reject(error);
    warn(error.message, error.code);
  }
  return {
    ready,
    serves(address) {
      endDeadline();
      ready.resolve(address);
    },
    fail,
    end() {
      endDeadline();
      ready.reject(new WatchdogError('ERR_WATCHDOG_CLOSED', 'The watchdog was closed before it listened.'));
    },
  };
}

/** One sidecar after another. */
interface Succession {
  alive(): Incarnation | undefined;
  lastDeath(): WatchdogError | undefined;
  /** There is to be no other. Returns the living one. */
  end(): Incarnation | undefined;
}

function startSuccession(events: SidecarEvents, start: Start): Succession {
  const backoff = createBackoff();
  let current: Incarnation | undefined;
  let port: number | undefined;
  let lastDeath: WatchdogError | undefined;
  let respawn: NodeJS.Timeout | undefined;
  let ended = false;

  function spawnLater(): void {
    respawn = setTimeout(spawn, backoff.next()).unref();
  }

  /** The thread could not be made. */
  function notMade(error: Error & { code?: string }): void {
    lastDeath = failed(`The sidecar thread cannot start: ${reasonOf(error)}`, error);
    if (error.code === 'ERR_ACCESS_DENIED') {
      // The permission model without --allow-worker: it never changes its mind.
      start.fail(lastDeath);
      return;
    }
    // No thread or memory to be had, now.
    if (backoff.fresh) warn(`${lastDeath.message}. It is tried again.`, 'WATCHDOG_SIDECAR_DELAYED');
    spawnLater();
  }

  function spawn(): void {
    const bornAtMs = now();
    try {
      current = spawnSidecar(events.data(port), events.host);
    } catch (error) {
      notMade(error as Error & { code?: string });
      return;
    }
    current.onDeath((error) => {
      current = undefined;
      if (ended) return;
      lastDeath = error;
      backoff.died(now() - bornAtMs);
      events.onDeath(error);
      spawnLater();
    });
    whileAlive(current, current.control.ready()).then(
      (address) => {
        port = address.port;
        start.serves(address);
      },
      (error: Error & { code?: string }) => {
        // Death is dealt with above; what has a code is the server's reason for not listening.
        if (error.code !== undefined && !(error instanceof WatchdogError)) start.fail(coded(error));
      },
    );
  }

  spawn();
  return {
    alive: () => current,
    lastDeath: () => lastDeath,
    end() {
      ended = true;
      clearTimeout(respawn);
      return current;
    },
  };
}

/** Asks a sidecar to end, and ends it if it does not. */
async function endInPeace(last: Incarnation): Promise<void> {
  const { worker, control } = last;
  // Terminated anyway, next.
  await orLate(
    whileAlive(last, control.close()),
    CLOSE_DEADLINE_MS,
    'The sidecar did not close in time.',
  ).catch(() => {});
  // It may hang in a call of the system; it is unref'd, and does no harm.
  await orLate(worker.terminate(), CLOSE_DEADLINE_MS, 'The sidecar did not end in time.').catch(() => {});
}

function orLate<T>(promise: Promise<T>, ms: number, message: string): Promise<T> {
  return withDeadline(promise, ms, () => new WatchdogError('ERR_WATCHDOG_TIMEOUT', message));
}

function failed(message: string, cause: unknown): WatchdogError {
  return new WatchdogError('ERR_WATCHDOG_SIDECAR_FAILED', message, { cause });
}

function coded(error: Error & { code?: string }): WatchdogError {
  return new WatchdogError(error.code as WatchdogErrorCode, error.message, { cause: error });
}
