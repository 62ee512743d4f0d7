import timers from 'node:timers';
import { MessageChannel, Worker } from 'node:worker_threads';
import { expose, type Remote, transferHandlers, wrap } from 'comlink';
import { WatchdogError } from '../errors.js';
import { carryErrorCodes, endpointOf } from '../shared/endpoint.js';
import type { Control, Host, SidecarData } from '../shared/protocol.js';
import { quietThread } from '../shared/quiet-thread.js';
import { reasonOf } from '../warn.js';
import { sidecarSource } from './source.js';

const { setTimeout } = timers;

carryErrorCodes(transferHandlers);

/** The sidecar's heap, in MiB: some twenty times what it uses. */
const HEAP_MB = 96;
/** A thread that was ended and hangs in a call of the system is given up after this long. */
const END_DEADLINE_MS = 1000;

/** One sidecar thread, from its birth to its death. */
export interface Incarnation {
  readonly worker: Worker;
  readonly control: Remote<Control>;
  /**
   * Tells once when the thread is gone. Not a promise: calls that raced with one that is pending for days
   * would stay with it.
   * @returns a function that forgets the listener
   */
  onDeath(listener: (error: WatchdogError) => void): () => void;
  /** Ends the thread; if it hangs in a call of the system it is given up. */
  end(reason: string): void;
}

/** The outcome of a call, or the death of the thread that was to answer it. */
export function whileAlive<T>({ onDeath }: Incarnation, outcome: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const forget = onDeath(reject);
    outcome.then(resolve, reject).finally(forget);
  });
}

/**
 * A new sidecar thread. It inherits nothing, keeps nothing alive, and needs nothing more of main to serve.
 */
export function spawnSidecar(data: Omit<SidecarData, 'control' | 'host'>, ours: Host): Incarnation {
  const control = new MessageChannel();
  const host = new MessageChannel();
  const worker = new Worker(sidecarSource(), {
    ...quietThread('event-loop-watchdog', HEAP_MB),
    workerData: { ...data, control: control.port2, host: host.port2 } satisfies SidecarData,
    transferList: [control.port2, host.port2],
  });
  worker.unref();
  expose(ours, endpointOf(host.port1));
  const { die, onDeath } = followDeath(worker, () => {
    control.port1.close();
    host.port1.close();
  });
  return {
    worker,
    control: wrap<Control>(endpointOf(control.port1)),
    onDeath,
    end(why) {
      const end = (): void => die(why);
      worker.terminate().then(end, end);
      setTimeout(end, END_DEADLINE_MS).unref();
    },
  };
}

interface Death extends Pick<Incarnation, 'onDeath'> {
  die(why: string): void;
}

function followDeath(worker: Worker, cleanUp: () => void): Death {
  const listeners = new Set<(error: WatchdogError) => void>();
  let reason: unknown;
  let dead = false;
  const die = (why: string): void => {
    if (dead) return;
    dead = true;
    cleanUp();
    const message = `The sidecar thread died: ${why}`;
    const error = new WatchdogError('ERR_WATCHDOG_SIDECAR_FAILED', message, { cause: reason });
    for (const listener of listeners) listener(error);
  };
  // Without a listener a fault of the sidecar would be the app's uncaught exception.
  worker.on('error', (error) => {
    reason = error;
  });
  worker.once('exit', (code) => die(reason === undefined ? `exit code ${code}` : reasonOf(reason)));
  return {
    die,
    onDeath(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}
