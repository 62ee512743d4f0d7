import { BroadcastChannel } from 'node:worker_threads';
import { appEnvironment } from './app-environment.js';
import { WatchdogError } from './errors.js';
import { createEvents, type Events } from './events.js';
import { type Instruments, instrumentThread } from './loop/instrument.js';
import { pauseDuring } from './loop/long-work.js';
import { createLook } from './loop/look.js';
import { optionsFromEnv } from './options/environment.js';
import { resolveOptions } from './options/resolve.js';
import { createPools, type Pools } from './pools/pools.js';
import { createPressureGauge, NO_PRESSURE, type PressureGauge } from './pressure.js';
import { openProcessState } from './process-state.js';
import { checkNoneRuns, setRunning } from './running.js';
import { checkRuntime } from './runtime.js';
import { now } from './shared/clock.js';
import { guardExit, INTERLOCK_BYTES } from './shared/exit-interlock.js';
import { LEDGER, PROCESS_STATE } from './shared/layout.js';
import { type Host, type SidecarMessage, THREADS_CHANNEL } from './shared/protocol.js';
import { allocate, allocateLoop } from './shared/regions.js';
import { watchForDeafness } from './sidecar/deafness.js';
import { sidecarOptions } from './sidecar/options.js';
import { createRelay } from './sidecar/relay.js';
import { type Sidecar, superviseSidecar } from './sidecar/supervise.js';
import type {
  MetricsRegistry,
  PiscinaLike,
  PoolOptions,
  PoolSampler,
  Watchdog,
  WatchdogOptions,
} from './types.js';
import { uniqueId } from './unique-id.js';
import { warn, warnOnce } from './warn.js';

export { getWatchdog } from './running.js';

const decoder = new TextDecoder();

/**
 * Starts watching this thread's event loop and serves the metrics on `port`, from a thread of its own that
 * answers while this one is blocked. Call it first thing in the app's entry. Synchronous; never throws for a
 * port that is busy (that rejects {@link Watchdog.ready}) and never keeps the process alive.
 *
 * @param port 0 to 65535; 0 takes any free port, see {@link Watchdog.ready}
 * @throws WatchdogError `ERR_WATCHDOG_INVALID_OPTION`, `ERR_WATCHDOG_ALREADY_STARTED`, or
 * `ERR_WATCHDOG_UNSUPPORTED_RUNTIME`: Bun, Deno, a user-land snapshot
 * @example
 * ```ts
 * import { startWatchdog } from 'event-loop-watchdog';
 *
 * const watchdog = startWatchdog(9464, { stallThreshold: 200, labels: { app: 'shop' } });
 * const { url } = await watchdog.ready;
 * console.log(`${url}/metrics`);
 * ```
 */
export function startWatchdog(port: number, options: WatchdogOptions = {}): Watchdog {
  checkRuntime();
  const resolved = resolveOptions(port, withSecret(options));
  const told = sidecarOptions(resolved);
  checkNoneRuns();

  const watchdogId = uniqueId();
  const loop = allocateLoop();
  const memory = {
    processState: allocate(PROCESS_STATE),
    ledger: allocate(LEDGER),
    interlock: new SharedArrayBuffer(INTERLOCK_BYTES),
  };
  const processState = openProcessState(memory.processState);
  const events = createEvents(typeof resolved.log === 'function' ? resolved.log : undefined);
  const pools = createPools({
    processState: memory.processState,
    clock: now,
    onEntry(entry) {
      instruments.heartbeat.sampling(true);
      sidecar.tell((control) => control.setPool(entry));
    },
    onRemove(id) {
      sidecar.tell((control) => control.removePool(id));
      if (pools.size() === 0) instruments.heartbeat.sampling(false);
    },
  });

  const isDeaf = watchForDeafness(memory.ledger);
  const instruments = instrumentThread(loop, {
    heartbeatInterval: resolved.heartbeatInterval,
    stallThreshold: resolved.stallThreshold,
    context: resolved.context,
    delayBuckets: resolved.delayBuckets,
    onResourceTypes: (types) => sidecar.tell((control) => control.setResourceTypes(types)),
    onPace(nowMs) {
      pressure.note(nowMs);
      processState.noteInspector();
      if (isDeaf(nowMs)) sidecar.replace();
    },
    onTurn: pools.onTurn,
  });
  const { heartbeat, resourceTypes } = instruments;
  const { worstMs, activeMs } = heartbeat;
  const pressure = createPressureGauge({
    now,
    worstMs,
    activeMs,
    pools: pools.pressure,
    ledger: memory.ledger,
  });
  const endGuard = guardExit(memory.interlock);
  processState.noteInspector();

  const sidecar = superviseSidecar({
    host: hostOf(events, resolved.registry),
    data: (boundPort = told.port) => ({
      options: { ...told, port: boundPort },
      watchdogId,
      loop,
      memory,
      pools: pools.entries(),
      resourceTypes: resourceTypes(),
    }),
    onDeath({ message }) {
      // Once: watchdog_sidecar_restarts_total tells of the rest.
      if (processState.countRestart() === 1)
        warn(`${message}. It is started again.`, 'WATCHDOG_SIDECAR_DIED');
    },
  });
  const watchdog = handleOf({ watchdogId, instruments, pools, events, pressure, sidecar, endGuard });
  setRunning({ watchdog, look: createLook(heartbeat.turn) });
  return watchdog;
}

function hostOf(events: Events, registry: MetricsRegistry | undefined): Host {
  return {
    stall: (stall) => events.publish('stall', stall),
    slowTask: (task) => events.publish('slowTask', task),
    relay: createRelay(registry),
    warn: (message) => warn(message, 'WATCHDOG_SIDECAR'),
  };
}

interface Parts {
  readonly watchdogId: string;
  readonly instruments: Instruments;
  readonly pools: Pools;
  readonly events: Events;
  readonly pressure: PressureGauge;
  readonly sidecar: Sidecar;
  readonly endGuard: () => void;
}

function handleOf(parts: Parts): Watchdog {
  const { instruments, pools, events, pressure, sidecar } = parts;
  let closed: Promise<void> | undefined;
  const watchdog: Watchdog = {
    get ready() {
      return sidecar.ready;
    },
    watchPool(first: PiscinaLike | string, second: string | PoolSampler, settings?: PoolOptions) {
      if (closed) throw new WatchdogError('ERR_WATCHDOG_CLOSED', 'The watchdog is closed.');
      return pools.watch(first, second, settings);
    },
    on(event, listener) {
      events.on(event, listener);
      return watchdog;
    },
    once(event, listener) {
      events.once(event, listener);
      return watchdog;
    },
    off(event, listener) {
      events.off(event, listener);
      return watchdog;
    },
    pause: (work) => pauseDuring(work, instruments.heartbeat),
    pressure: () => (closed ? NO_PRESSURE : pressure.read()),
    metrics: async () => decoder.decode(await sidecar.call((control) => control.metrics())),
    close() {
      closed ??= closeAll(parts);
      return closed;
    },
    [Symbol.asyncDispose]: () => watchdog.close(),
  };
  return watchdog;
}

async function closeAll({ watchdogId, instruments, pools, events, sidecar, endGuard }: Parts): Promise<void> {
  setRunning(undefined);
  endGuard();
  instruments.stop();
  pools.close();
  events.clear();
  dismissThreads(watchdogId);
  await sidecar.close();
}

/** The token need not be in the code: without one there the environment is asked. */
function withSecret(options: WatchdogOptions): WatchdogOptions {
  const given = options?.token !== undefined || options?.tokenFile !== undefined;
  if (given || typeof options !== 'object' || options === null) return options;
  const warned = (message: string): void => warnOnce(message, 'WATCHDOG_BAD_VARIABLE');
  return { ...options, ...optionsFromEnv(appEnvironment(), warned, ['token', 'tokenFile']).options };
}

/** Tells the threads that have joined that they need not beat any longer. */
function dismissThreads(watchdog: string): void {
  const channel = new BroadcastChannel(THREADS_CHANNEL);
  channel.postMessage({ type: 'watchdog-closed', watchdog } satisfies SidecarMessage);
  channel.close();
}
