import { workerData } from 'node:worker_threads';
import { expose, type Remote, transferHandlers, wrap } from 'comlink';
import { now } from '../src/shared/clock.js';
import { carryErrorCodes, endpointOf } from '../src/shared/endpoint.js';
import { latenessOf } from '../src/shared/lateness.js';
import {
  CAPTURE_KINDS,
  CAPTURE_RESULTS,
  type CaptureKind,
  type CaptureResult,
  HOUSE,
  LEDGER,
  openReader,
} from '../src/shared/layout.js';
import {
  type Control,
  type Host,
  isToken,
  type SidecarData,
  type Stall,
  TOKEN_RULE,
} from '../src/shared/protocol.js';
import { openCgroup } from './cgroup.js';
import { followFiles } from './files.js';
import { checkLiveness, createReadiness, type HealthState } from './health.js';
import { createDebugHandlers } from './http/debug.js';
import { createGuard } from './http/guard.js';
import { createRoutes } from './http/routes.js';
import { checkTls, startServer, type TlsContext } from './http/server.js';
import { openLedger, openTally } from './ledger.js';
import { type Loop, type LoopOptions, watchLoop } from './loop.js';
import { renderMetrics } from './metrics/render.js';
import { COLLECTOR_NAMES } from './metrics/sources.js';
import { PoolView } from './pools.js';
import { openThread } from './proc.js';
import { appNameOf } from './processes/appname.js';
import { type Directory, joinDirectory } from './processes/directory.js';
import { serviceDiscovery } from './processes/discovery.js';
import { createRelay, DROP_REASONS } from './relay.js';
import { createCapturer } from './stalls/capture.js';
import { createFrameReader } from './stalls/frames.js';
import { createHangGuard } from './stalls/hang.js';
import { createJournal, createJournalFile } from './stalls/journal.js';
import { createStallLog, logPort, writeLine } from './stalls/log.js';
import { createPauseBook } from './stalls/pauses.js';
import { watchThreadpool } from './threadpool.js';
import { openThreads } from './threads.js';
import { nextLookMs, startWatch } from './watch.js';

const data = workerData as SidecarData;
const { options, memory } = data;
carryErrorCodes(transferHandlers);

const readHouse = openReader(HOUSE, memory.house);
const ledger = openLedger(LEDGER, memory.ledger);
const pools = new Map(data.pools.map((entry) => [entry.id, new PoolView(entry)]));
const pauses = createPauseBook(openThread('/proc/thread-self').times);
const throttling = openCgroup();
const threadpool = watchThreadpool(options.threadpoolSize, ledger, now, pauses.pausedBetween);
const host: Remote<Host> = wrap<Host>(endpointOf(data.host));

const collectorErrors = openTally(ledger, 'collectorErrors', COLLECTOR_NAMES);
const relayDropped = openTally(ledger, 'relayDropped', DROP_REASONS);
const relay = options.relay
  ? createRelay({
      fetch: () => host.relay(),
      now,
      onError: () => collectorErrors.add('relay'),
      onDrop: (reason) => relayDropped.add(reason),
    })
  : undefined;

// Stalls: what is found out about them, and who is told.
const journal = createJournal();
const toFile =
  options.journal === undefined
    ? undefined
    : createJournalFile(options.journal, (error, first) => {
        ledger.add('journalErrors', 1);
        if (first) void host.warn(`The stall journal cannot be written: ${error.message}`).catch(() => {});
      });
const logStall = options.log === undefined ? undefined : createStallLog(options.log);
const debuggerOpen = (): boolean => readHouse().debuggerOpen > 0;
const capturer = createCapturer({
  inspectable: options.inspectable,
  debuggerOpen,
  turn: () => main.heart().turns,
  gate: new Int32Array(memory.gate),
  now,
});
const toFrames = createFrameReader();

function countCapture(kind: CaptureKind, result: CaptureResult): void {
  const place = CAPTURE_KINDS.indexOf(kind) * CAPTURE_RESULTS.length + CAPTURE_RESULTS.indexOf(result);
  ledger.add('captures', 1, place);
}

function watch(
  what: Pick<LoopOptions, 'name' | 'memory' | 'taskDirectory' | 'resourceTypes' | 'capturer'>,
  id: string,
): Loop {
  return watchLoop({
    ...what,
    stallThresholdMs: options.stallThreshold,
    captureAfterMs: options.capture,
    pausedBetween: pauses.pausedBetween,
    toFrames,
    onCapture: (result) => countCapture('stack', result),
    idPrefix: `${process.pid}-${id}`,
    onBegin: (stall) => toFile?.({ type: 'begin', time: new Date().toISOString(), stall }),
    onEnd(stall) {
      journal.add(stall);
      toFile?.({ type: 'end', time: new Date().toISOString(), stall });
      logStall?.(now(), stall);
      host.stall(stall).catch(() => {}); // Main is gone; the stall is counted and journalled.
    },
  });
}

const main = watch(
  {
    name: 'main',
    memory: data.loop,
    taskDirectory: options.threadId === undefined ? undefined : `/proc/self/task/${options.threadId}`,
    resourceTypes: data.resourceTypes,
    capturer,
  },
  data.watchdogId,
);
const threads = openThreads({
  watchdogId: data.watchdogId,
  heartbeatInterval: options.heartbeatInterval,
  stallThreshold: options.stallThreshold,
  watch: ({ name, memory: loopMemory, task, resourceTypes, thread }) =>
    // V8's inspector reaches main only.
    watch(
      { name, memory: loopMemory, taskDirectory: task?.directory, resourceTypes, capturer: undefined },
      thread,
    ),
});
const guardHang =
  options.hang &&
  createHangGuard({
    hang: options.hang,
    debuggerOpen,
    report: reportHang,
    kill: (signal) => process.kill(process.pid, signal),
  });

function reportHang(stall: Stall): void {
  const nowMs = now();
  const heart = main.heart();
  const states = [...pools.values()].map((pool) => ({ pool: pool.name, ...pool.look(nowMs, heart) }));
  const report = { type: 'hang', time: new Date().toISOString(), stall, pools: states, heart };
  toFile?.(report);
  writeLine(`event-loop-watchdog: the event loop does not come back: ${JSON.stringify(report)}`);
}

/** What the last look saw. */
let state: HealthState;
let closing = false;
const readiness = createReadiness(options.readiness);

const timer = startWatch(now, (nowMs, ownLatenessMs) => {
  const pausedMs = pauses.note(nowMs, ownLatenessMs);
  if (pausedMs > 0) {
    ledger.add('pauses', 1);
    ledger.add('pauseMs', pausedMs);
  }
  const { heart, stall } = main.look(nowMs);
  guardHang?.(stall);
  // Not before the loop turns: an app may still set the size of the pool, which the first task fixes.
  if (heart.loopStartedAtMs > 0) threadpool.look(nowMs);
  let queued: HealthState['queued'];
  for (const pool of pools.values()) {
    const size = pool.look(nowMs, heart).queueSize;
    if (size > (queued?.size ?? 0)) queued = { pool: pool.name, size };
  }
  state = { nowMs, heart, stall, queued, debuggerOpen: debuggerOpen(), closing };
  readiness.look(state);
  threads.prune(nowMs);
  const hearts = [heart, ...threads.loops().map((loop) => loop.look(nowMs).heart)];
  return Math.min(...hearts.map((one) => nextLookMs(now(), one, options.stallThreshold)));
});

/** The state of this moment. */
function look(): HealthState {
  timer.look();
  return state;
}

/** Scrapes that come at once share one text: any number of them costs the memory of one. */
let rendering: Promise<string> | undefined;

function metrics(scrapeTimeoutMs?: number): Promise<string> {
  rendering ??= render(scrapeTimeoutMs).finally(() => {
    rendering = undefined;
  });
  return rendering;
}

async function render(scrapeTimeoutMs?: number): Promise<string> {
  const before = main.heart();
  const blocked = latenessOf(now(), before.dueMs, before.lastMarkMs) >= options.stallThreshold;
  await relay?.refresh(blocked || before.loopStartedAtMs === 0, scrapeTimeoutMs);
  const { nowMs } = look();
  const text = await renderMetrics({
    nowMs,
    loops: [main.view(), ...threads.loops().map((loop) => loop.view())],
    house: readHouse(),
    ledger,
    pools: [...pools.values()],
    threadpool: threadpool.state(nowMs),
    options,
    throttling: throttling?.(),
    sidecarLagMaxMs: timer.lagMaxMs(nowMs),
    collectorErrors,
    relayAgeMs: relay?.ageMs(nowMs),
    relayDropped: relay && relayDropped,
  });
  return relay?.text() ? `${text}\n${relay.text()}` : text;
}

/** Tells of a file that cannot be used; the app goes on. */
const warned = (error: Error): void => void host.warn(error.message).catch(() => {});
const { token, tokenFile, tls } = options;
const tokenOf = ([text = '']: readonly string[]): string => {
  const secret = text.trim();
  if (!isToken(secret)) throw new Error(`The token in ${tokenFile} must be ${TOKEN_RULE}.`);
  return secret;
};
const tlsOf = ([key = '', cert = '', ca]: readonly string[]): TlsContext =>
  checkTls({ key, cert, ...(ca !== undefined && { ca }), clientsCertified: ca !== undefined });

const server = startServer(
  createRoutes({
    metrics,
    health() {
      const { nowMs, heart, stall } = look();
      return {
        status: heart.loopStartedAtMs === 0 ? 'starting' : stall ? 'stalled' : 'ok',
        lagSeconds: latenessOf(nowMs, heart.dueMs, heart.lastMarkMs) / 1000,
        uptimeSeconds: (nowMs - heart.startedAtMs) / 1000,
        turns: heart.turns,
      };
    },
    liveness: () => checkLiveness(look(), options.livenessTimeout),
    readiness: () => readiness.check(look()),
    processes: (asked) => serviceDiscovery(processes?.list() ?? [], appName, asked),
    journal,
    debug: createDebugHandlers({
      capturer,
      toFrames,
      count: countCapture,
    }),
    guard: createGuard({
      token: tokenFile === undefined ? () => token : followFiles([tokenFile], tokenOf, now, warned),
      allowedHosts: options.allowedHosts,
    }),
    guardMetrics: options.guardMetrics,
  }),
  {
    port: options.port,
    host: options.host,
    tls:
      tls && followFiles([tls.key, tls.cert, ...(tls.ca === undefined ? [] : [tls.ca])], tlsOf, now, warned),
  },
);

// The processes of the app on this host: this one, and with `perProcess` the others.
const STAY_EVERY_MS = 60_000;
const appName = appNameOf(options.entry);
let processes: Pick<Directory, 'list' | 'leave'> | undefined;
server.ready.then(
  ({ port, host: boundTo, url }) => {
    const { log, directory } = options;
    const self = { port, host: boundTo, worker: directory?.place, tls: tls !== undefined };
    if (!directory) {
      processes = { list: () => [{ pid: process.pid, startedAt: undefined, ...self }], leave() {} };
      return;
    }
    const { root } = directory;
    const joined = joinDirectory(appName, self, { root, warn: (message) => warned(new Error(message)) });
    processes = joined;
    setInterval(joined.stay, STAY_EVERY_MS);
    if (log) logPort(log, directory.place, url);
  },
  () => {}, // Told of by `ready`.
);

const control: Control = {
  ready: () => server.ready,
  setPool(entry) {
    const known = pools.get(entry.id);
    if (known) known.update(entry);
    else pools.set(entry.id, new PoolView(entry));
  },
  removePool: (id) => void pools.delete(id),
  setResourceTypes: (names) => main.setResourceTypes(names),
  metrics: () => metrics(),
  async close() {
    closing = true;
    timer.stop();
    threads.close();
    processes?.leave();
    await server.close();
  },
};
expose(control, endpointOf(data.control));
