import diagnostics from 'node:diagnostics_channel';
import { EventEmitter } from 'node:events';
import { isMainThread } from 'node:worker_threads';
import { WatchdogError } from './errors.js';
import { startGcNotes } from './gc.js';
import { startHeartbeat } from './heartbeat.js';
import { isDebuggerOpen, isInspectable } from './inspectable.js';
import { resolveOptions, show, typeOf } from './options.js';
import { createPools } from './pools.js';
import { createResourceSampler } from './resources.js';
import { now } from './shared/clock.js';
import { allocate, GC, HEART, HOUSE, LEDGER, locked, openWriter, RING } from './shared/layout.js';
import type { Host, Stall } from './shared/protocol.js';
import { startSidecar } from './sidecar.js';
import type { MetricsRegistry, PiscinaLike, PoolSampler, Watchdog, WatchdogOptions } from './types.js';
import { warn } from './warn.js';

/** Under this key `globalThis` holds the running watchdog: bundlers may load this package twice. */
const RUNNING: unique symbol = Symbol.for('event-loop-watchdog') as never;
type Global = typeof globalThis & { [RUNNING]?: Watchdog | undefined };

/** `node:diagnostics_channel` on which finished stalls are published. */
const stallChannel = diagnostics.channel('event-loop-watchdog:stall');

/** The watchdog that runs in this process, wherever it was started, if there is one. */
export function getWatchdog(): Watchdog | undefined {
  return (globalThis as Global)[RUNNING];
}

/**
 * Starts watching this thread's event loop and serves the metrics on `port`, from a thread of its own that
 * answers while this one is blocked. Call it first thing in the app's entry. Synchronous; never throws for a port that is
 * busy (that rejects {@link Watchdog.ready}) and never keeps the process alive.
 *
 * @param port 0 to 65535; 0 takes any free port, see {@link Watchdog.ready}
 * @throws WatchdogError `ERR_WATCHDOG_INVALID_OPTION`, `ERR_WATCHDOG_ALREADY_STARTED`
 */
export function startWatchdog(port: number, options: WatchdogOptions = {}): Watchdog {
  const resolved = resolveOptions(port, options);
  if (getWatchdog()) {
    throw new WatchdogError(
      'ERR_WATCHDOG_ALREADY_STARTED',
      'A watchdog is running in this process already; getWatchdog() returns it, close() ends it.',
    );
  }
  const memory = {
    heart: allocate(HEART),
    ring: allocate(RING),
    house: allocate(HOUSE),
    gc: allocate(GC),
    ledger: allocate(LEDGER),
  };
  const house = openWriter('main', HOUSE, memory.house);
  const { registry, log, capture, ...settings } = resolved;
  const emitter = new EventEmitter();
  let closed: Promise<void> | undefined;

  const resources = createResourceSampler(memory.house, (types) => {
    sidecar.tell((control) => control.setResourceTypes(types));
  });
  const pools = createPools({
    house: memory.house,
    clock: now,
    onEntry(entry) {
      heartbeat.sampling(true);
      sidecar.tell((control) => control.setPool(entry));
    },
    onRemove(id) {
      sidecar.tell((control) => control.removePool(id));
      if (pools.entries().length === 0) heartbeat.sampling(false);
    },
  });
  const heartbeat = startHeartbeat(memory, {
    heartbeatInterval: resolved.heartbeatInterval,
    stallThreshold: resolved.stallThreshold,
    onPace(nowMs) {
      resources.sample(nowMs, now);
      house.values[house.at.debuggerOpen] = isDebuggerOpen() ? 1 : 0;
    },
    onTurn: (nowMs) => pools.sample(nowMs),
  });
  const stopGcNotes = startGcNotes(memory.gc);
  house.values[house.at.debuggerOpen] = isDebuggerOpen() ? 1 : 0;
  const sidecar = startSidecar({
    host: hostOf(registry, publish),
    data: (boundPort) => ({
      options: {
        ...settings,
        port: boundPort ?? resolved.port,
        relay: registry !== undefined,
        log: typeof log === 'string' ? log : undefined,
        capture: capture === false ? undefined : capture,
        // The main thread's id is the process's; of another thread's, Node.js does not tell.
        threadId: isMainThread ? process.pid : undefined,
        inspectable: isInspectable(),
      },
      memory,
      pools: pools.entries(),
      resourceTypes: resources.types(),
    }),
    onDeath(error) {
      const restarts = (house.values[house.at.restarts] ?? 0) + 1;
      locked(house.sequence, () => {
        house.values[house.at.restarts] = restarts;
      });
      // Once: watchdog_sidecar_restarts_total tells of the rest.
      if (restarts === 1) warn(`${error.message}. It is started again.`, 'WATCHDOG_SIDECAR_DIED');
    },
  });

  function publish(stall: Stall): void {
    if (closed) return;
    if (stallChannel.hasSubscribers) stallChannel.publish(stall);
    const listeners = [...(typeof log === 'function' ? [log] : []), ...emitter.rawListeners('stall')];
    for (const listener of listeners) {
      try {
        listener(stall);
      } catch (error) {
        const reason = error instanceof Error ? (error.stack ?? error.message) : String(error);
        warn(`A listener of the watchdog's "stall" event threw: ${reason}`, 'WATCHDOG_LISTENER_THREW');
      }
    }
  }

  const watchdog: Watchdog = {
    get ready() {
      return sidecar.ready;
    },
    watchPool(first: PiscinaLike | string, second: string | PoolSampler) {
      if (closed) throw new WatchdogError('ERR_WATCHDOG_CLOSED', 'The watchdog is closed.');
      return pools.watch(first, second);
    },
    on(event, listener) {
      emitter.on(event, listener as () => void);
      return watchdog;
    },
    once(event, listener) {
      emitter.once(event, listener as () => void);
      return watchdog;
    },
    off(event, listener) {
      emitter.off(event, listener as () => void);
      return watchdog;
    },
    pause(work) {
      if (typeof work !== 'function') {
        throw new WatchdogError(
          'ERR_WATCHDOG_INVALID_ARGUMENT',
          `pause() takes a function, but was given ${show(work)} (${typeOf(work)}).`,
        );
      }
      return pauseDuring(work, heartbeat);
    },
    metrics: () => sidecar.call((control) => control.metrics()),
    close() {
      closed ??= (async () => {
        (globalThis as Global)[RUNNING] = undefined;
        heartbeat.stop();
        stopGcNotes();
        pools.close();
        emitter.removeAllListeners();
        await sidecar.close();
      })();
      return closed;
    },
    [Symbol.asyncDispose]: () => watchdog.close(),
  };
  (globalThis as Global)[RUNNING] = watchdog;
  return watchdog;
}

function hostOf(registry: MetricsRegistry | undefined, stall: (stall: Stall) => void): Host {
  return {
    stall,
    warn: (message) => warn(message, 'WATCHDOG_SIDECAR'),
    async relay() {
      if (!registry) return { text: '', contentType: '' };
      const text = await registry.metrics();
      if (typeof text !== 'string') throw new TypeError('the registry gave no text');
      return { text, contentType: String(registry.contentType ?? '') };
    },
  };
}

function pauseDuring<T>(work: () => T, heart: { enterPause(): void; leavePause(): void }): T {
  heart.enterPause();
  let result: T;
  try {
    result = work();
  } catch (error) {
    heart.leavePause();
    throw error;
  }
  if (typeof (result as PromiseLike<unknown> | null)?.then === 'function') {
    return Promise.resolve(result).finally(() => heart.leavePause()) as T;
  }
  heart.leavePause();
  return result;
}
