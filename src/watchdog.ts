import { tmpdir } from 'node:os';
import { BroadcastChannel, isMainThread } from 'node:worker_threads';
import { WatchdogError } from './errors.js';
import { createStallEvents } from './events.js';
import { instanceOfProcess, portOf } from './instance.js';
import { startGcNotes } from './loop/gc.js';
import { startHeartbeat } from './loop/heartbeat.js';
import { pauseDuring } from './loop/long-work.js';
import { createLook } from './loop/look.js';
import { createResourceSampler } from './loop/resources.js';
import { optionsFromEnv } from './options/environment.js';
import { resolveOptions } from './options/resolve.js';
import { createPools } from './pools/pools.js';
import { createPressureGauge, NO_PRESSURE } from './pressure.js';
import { checkRuntime } from './runtime.js';
import { now } from './shared/clock.js';
import { guardExit, INTERLOCK_BYTES } from './shared/exit-interlock.js';
import { allocate, allocateLoop, LEDGER, locked, openWriter, PROCESS_STATE } from './shared/layout.js';
import { RUNNING_KEY, type SidecarMessage, THREADS_CHANNEL } from './shared/protocol.js';
import { watchForDeafness } from './sidecar/deafness.js';
import { isInspectorOpen, whyNotInspectable } from './sidecar/inspectable.js';
import { createRelay } from './sidecar/relay.js';
import { startSidecar } from './sidecar/supervise.js';
import { threadpoolSize } from './threadpool-size.js';
import type { PiscinaLike, PoolSampler, Watchdog, WatchdogOptions } from './types.js';
import { uniqueId } from './unique-id.js';
import { warn, warnOnce } from './warn.js';

const decoder = new TextDecoder();

const RUNNING: unique symbol = Symbol.for(RUNNING_KEY) as never;

interface Running {
  readonly watchdog: Watchdog;
  /** Where this thread is; the sidecar asks, through the inspector. See `look.ts`. */
  look(): string;
}

type Global = typeof globalThis & { [RUNNING]?: Running | undefined };

/** The watchdog that runs in this process, wherever it was started, if there is one. */
export function getWatchdog(): Watchdog | undefined {
  return (globalThis as Global)[RUNNING]?.watchdog;
}

/** The token need not be in the code: without one there the environment is asked. */
function withSecret(options: WatchdogOptions): WatchdogOptions {
  const given = options?.token !== undefined || options?.tokenFile !== undefined;
  if (given || typeof options !== 'object' || options === null) return options;
  const warned = (message: string): void => warnOnce(message, 'WATCHDOG_BAD_VARIABLE');
  return { ...options, ...optionsFromEnv(process.env, warned, ['token', 'tokenFile']).options };
}

/** Tells the threads that have joined that they need not beat any longer. */
function dismissThreads(watchdog: string): void {
  const channel = new BroadcastChannel(THREADS_CHANNEL);
  channel.postMessage({ type: 'watchdog-closed', watchdog } satisfies SidecarMessage);
  channel.close();
}

/**
 * Starts watching this thread's event loop and serves the metrics on `port`, from a thread of its own that
 * answers while this one is blocked. Call it first thing in the app's entry. Synchronous; never throws for a port that is
 * busy (that rejects {@link Watchdog.ready}) and never keeps the process alive.
 *
 * @param port 0 to 65535; 0 takes any free port, see {@link Watchdog.ready}
 * @throws WatchdogError `ERR_WATCHDOG_INVALID_OPTION`, `ERR_WATCHDOG_ALREADY_STARTED`, or
 * `ERR_WATCHDOG_UNSUPPORTED_RUNTIME`: Bun, Deno, a user-land snapshot
 */
export function startWatchdog(port: number, options: WatchdogOptions = {}): Watchdog {
  checkRuntime();
  const resolved = resolveOptions(port, withSecret(options));
  const instance = resolved.perProcess ? instanceOfProcess() : undefined;
  const ownPort = portOf(resolved.port, instance);
  if (getWatchdog()) {
    throw new WatchdogError(
      'ERR_WATCHDOG_ALREADY_STARTED',
      'A watchdog is running in this process already; getWatchdog() returns it, close() ends it.',
    );
  }
  const loop = allocateLoop();
  const memory = {
    processState: allocate(PROCESS_STATE),
    ledger: allocate(LEDGER),
    interlock: new SharedArrayBuffer(INTERLOCK_BYTES),
  };
  const processState = openWriter('main', PROCESS_STATE, memory.processState);
  const { registry, log, capture, perProcess, ...settings } = resolved;
  const events = createStallEvents(typeof log === 'function' ? log : undefined);
  const watchdogId = uniqueId();
  const configuredSize = threadpoolSize(process.env.UV_THREADPOOL_SIZE);
  let closed: Promise<void> | undefined;

  const resources = createResourceSampler(loop.resources, (types) => {
    sidecar.tell((control) => control.setResourceTypes(types));
  });
  const pools = createPools({
    processState: memory.processState,
    clock: now,
    onEntry(entry) {
      heartbeat.sampling(true);
      sidecar.tell((control) => control.setPool(entry));
    },
    onRemove(id) {
      sidecar.tell((control) => control.removePool(id));
      if (pools.size() === 0) heartbeat.sampling(false);
    },
  });
  function noteInspector(): void {
    const { at, values, sequence } = processState;
    const port = process.debugPort;
    const open = isInspectorOpen() ? 1 : 0;
    if (values[at.debugPort] === port && values[at.inspectorOpen] === open) return;
    locked(sequence, () => {
      values[at.debugPort] = port;
      values[at.inspectorOpen] = open;
    });
  }
  const heartbeat = startHeartbeat(loop, {
    heartbeatInterval: resolved.heartbeatInterval,
    stallThreshold: resolved.stallThreshold,
    onPace(nowMs, quiet) {
      pressure.note(nowMs);
      resources.sample(nowMs, quiet, now);
      noteInspector();
      if (isDeaf(nowMs)) sidecar.replace();
    },
    onTurn: pools.onTurn,
  });
  const pressure = createPressureGauge({
    now,
    worstMs: heartbeat.worstMs,
    activeMs: heartbeat.activeMs,
    pools: pools.pressure,
    ledger: memory.ledger,
  });
  const isDeaf = watchForDeafness(memory.ledger);
  const stopGcNotes = startGcNotes(loop.gc);
  const stopGuard = guardExit(memory.interlock);
  noteInspector();
  const sidecar = startSidecar({
    host: {
      stall: events.publish,
      relay: createRelay(registry),
      warn: (message) => warn(message, 'WATCHDOG_SIDECAR'),
    },
    data: (boundPort) => ({
      options: {
        ...settings,
        port: boundPort ?? ownPort,
        relay: registry !== undefined,
        log: typeof log === 'string' ? log : undefined,
        capture: capture === false ? undefined : capture,
        // The main thread's id is the process's; of another thread's, Node.js does not tell.
        threadId: isMainThread ? process.pid : undefined,
        notInspectable: whyNotInspectable(),
        // pm2 starts the app by a file of its own.
        entry: process.env.pm_exec_path ?? process.argv[1],
        directory: perProcess ? { root: tmpdir(), instance } : undefined,
        threadpoolSize: configuredSize,
      },
      watchdogId,
      loop,
      memory,
      pools: pools.entries(),
      resourceTypes: resources.types(),
    }),
    onDeath(error) {
      const restarts = (processState.values[processState.at.restarts] ?? 0) + 1;
      locked(processState.sequence, () => {
        processState.values[processState.at.restarts] = restarts;
      });
      // Once: watchdog_sidecar_restarts_total tells of the rest.
      if (restarts === 1) warn(`${error.message}. It is started again.`, 'WATCHDOG_SIDECAR_DIED');
    },
  });

  const watchdog: Watchdog = {
    get ready() {
      return sidecar.ready;
    },
    watchPool(first: PiscinaLike | string, second: string | PoolSampler) {
      if (closed) throw new WatchdogError('ERR_WATCHDOG_CLOSED', 'The watchdog is closed.');
      return pools.watch(first, second);
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
    pause: (work) => pauseDuring(work, heartbeat),
    pressure: () => (closed ? NO_PRESSURE : pressure.read()),
    metrics: async () => decoder.decode(await sidecar.call((control) => control.metrics())),
    close() {
      closed ??= (async () => {
        (globalThis as Global)[RUNNING] = undefined;
        heartbeat.stop();
        stopGcNotes();
        stopGuard();
        pools.close();
        events.clear();
        dismissThreads(watchdogId);
        await sidecar.close();
      })();
      return closed;
    },
    [Symbol.asyncDispose]: () => watchdog.close(),
  };
  (globalThis as Global)[RUNNING] = { watchdog, look: createLook(() => heartbeat.turn()) };
  return watchdog;
}
