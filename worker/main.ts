import { workerData } from 'node:worker_threads';
import { expose, type Remote, transfer, transferHandlers, wrap } from 'comlink';
import { now } from '../src/shared/clock.js';
import { carryErrorCodes, endpointOf } from '../src/shared/endpoint.js';
import {
  CAPTURE_KINDS,
  CAPTURE_RESULTS,
  type CaptureKind,
  type CaptureResult,
  COLLECTORS,
  type CollectorName,
  DROP_REASONS,
} from '../src/shared/labels.js';
import { latenessOf } from '../src/shared/lateness.js';
import { type HeartValues, HOUSE, LEDGER, openReader } from '../src/shared/layout.js';
import type { Control, Host, SidecarData } from '../src/shared/protocol.js';
import { createInspector } from './captures/client.js';
import { openLedger, openTally, wallTimeOf } from './counters.js';
import { checkLiveness, createReadiness, type HealthState } from './health.js';
import { createGuard } from './http/access.js';
import { createDebugHandlers } from './http/debug.js';
import { cut, type Piece } from './http/pieces.js';
import { createRoutes } from './http/router.js';
import { startServer } from './http/server.js';
import { openTls } from './http/tls.js';
import { openToken } from './http/token.js';
import { muteStreams } from './log.js';
import { type Loop, type LoopOptions, watchLoop } from './loops/loop.js';
import { openThreads } from './loops/threads.js';
import { createRenderer } from './metrics/render.js';
import { nextLookMs, startWatch } from './poll.js';
import { PoolView } from './pools/pool.js';
import { openProcesses } from './processes/processes.js';
import { createRelay } from './relay/relay.js';
import { createHangGuard } from './reports/hang.js';
import { openDesk } from './reports/reporter.js';
import { logNoAccounts } from './reports/stall-log.js';
import { createPauseBook, PULSE_MS } from './stalls/suspensions.js';
import { openCensus } from './system/census.js';
import { openCgroup } from './system/cgroup.js';
import { watchDebugger } from './system/debugger.js';
import { keptByDisk } from './system/own-calls.js';
import { openThread } from './system/thread.js';
import { watchThreadpool } from './system/threadpool.js';

muteStreams();
const data = workerData as SidecarData;
const { options, memory } = data;
carryErrorCodes(transferHandlers);

const readHouse = openReader(HOUSE, memory.house);
const ledger = openLedger(LEDGER, memory.ledger);
const pools = new Map(data.pools.map((entry) => [entry.id, new PoolView(entry, now)]));
const census = openCensus();
const pauses = createPauseBook(openThread('/proc/thread-self').times, keptByDisk);
const throttling = openCgroup();
const threadpool = watchThreadpool(
  options.threadpoolSize,
  ledger,
  now,
  (fromMs, toMs) => pauses.suspendedBetween(fromMs, toMs).likelyMs,
);
const host: Remote<Host> = wrap<Host>(endpointOf(data.host));

const collectorErrors = openTally(ledger, 'collectorErrors', COLLECTORS);
const relayDropped = openTally(ledger, 'relayDropped', DROP_REASONS);
const relay = options.relay
  ? createRelay({
      fetch: () => host.relay(),
      now,
      turns: () => main.heart().turns,
      onError: () => collectorErrors.add('relay'),
      onDrop: relayDropped.add,
      labels: options.labels,
    })
  : undefined;

/** Tells of what the app survives, as a process warning. */
const warn = (message: string): void => void host.warn(message).catch(() => {});

// Stalls: what is found out about them, and who is told.
const desk = openDesk({
  now,
  file: options.journal,
  log: options.log,
  onFileError(error, first) {
    ledger.add('journalErrors', 1);
    if (first) warn(`The stall journal cannot be written: ${error.message}`);
  },
  tellMain: (stall) => void host.stall(stall).catch(() => {}), // Main may be gone; the stall is written down.
});
const debuggers = watchDebugger({
  now,
  debugPort: () => readHouse().debugPort,
  inspectorOpen: () => readHouse().inspectorOpen > 0,
});
const inspector = createInspector({
  whyNot: () => options.notInspectable ?? (debuggers.awayMs() === 0 ? 'a debugger is attached' : undefined),
  loop: data.loop.heart,
  onThreadEnd: census.excuse,
  gate: memory.gate,
  sourceLines: options.sourceLines,
  entry: options.entry,
});

function countCapture(kind: CaptureKind, result: CaptureResult): void {
  const place = CAPTURE_KINDS.indexOf(kind) * CAPTURE_RESULTS.length + CAPTURE_RESULTS.indexOf(result);
  ledger.add('captures', 1, place);
}

function watch(
  what: Pick<LoopOptions, 'name' | 'memory' | 'taskDirectory' | 'resourceTypes' | 'inspector'>,
  id: string,
): Loop {
  return watchLoop({
    ...what,
    stallThresholdMs: options.stallThreshold,
    captureAfterMs: options.capture,
    now,
    suspendedBetween: pauses.suspendedBetween,
    onCapture: (result) => countCapture('stack', result),
    onUnavailable: desk.noStacks,
    idPrefix: `${process.pid}-${id}`,
    onBegin: desk.begin,
    onEnd: desk.end,
  });
}

const main = watch(
  {
    name: 'main',
    memory: data.loop,
    taskDirectory: options.threadId === undefined ? undefined : `/proc/self/task/${options.threadId}`,
    resourceTypes: data.resourceTypes,
    inspector,
  },
  data.watchdogId,
);
// Now: the system's clock may be set before the first scrape.
wallTimeOf(ledger, 'startedAt', main.heart().startedAtMs);
const threads = openThreads({
  watchdogId: data.watchdogId,
  heartbeatInterval: options.heartbeatInterval,
  stallThreshold: options.stallThreshold,
  now,
  watch: ({ name, memory: loopMemory, task, resourceTypes, thread }) =>
    // V8's inspector reaches main only.
    watch(
      { name, memory: loopMemory, taskDirectory: task?.directory, resourceTypes, inspector: undefined },
      thread,
    ),
});
const guardHang =
  options.hang &&
  createHangGuard({
    hang: options.hang,
    debuggerAwayMs: debuggers.awayMs,
    report(stall) {
      const states = [...pools.values()].map((pool) => ({ pool: pool.name, ...pool.state }));
      desk.hang(stall, { pools: states, heart: main.heart() });
    },
    kill: (signal) => process.kill(process.pid, signal),
  });

// Linux with /proc hidden, or a kernel without accounts. Once: a sidecar that replaces another need not say it again.
const accountable = process.platform === 'linux' && options.threadId !== undefined;
if (accountable && options.log && !main.view().times && readHouse().restarts === 0)
  logNoAccounts(options.log);

/** What the last look saw. */
let state: HealthState;
let closing = false;
const readiness = createReadiness(options.readiness);

/** Runs a part of the sidecar: its fault is counted, and costs that part. */
function contain<T>(name: CollectorName, part: () => T): T | undefined {
  try {
    return part();
  } catch {
    collectorErrors.add(name);
    return undefined;
  }
}

function noteSuspension(nowMs: number, ownLatenessMs: number): void {
  const pausedMs = pauses.note(nowMs, ownLatenessMs);
  if (pausedMs === 0) return;
  ledger.add('pauses', 1);
  ledger.add('pauseMs', pausedMs);
}

function lookAt(loop: Loop, name: CollectorName, nowMs: number): ReturnType<Loop['look']> {
  return contain(name, () => loop.look(nowMs)) ?? { heart: loop.heart(), stall: undefined, alert: false };
}

/** Looks at all pools. Returns the one in which most tasks wait. */
function lookAtPools(nowMs: number, heart: HeartValues): HealthState['queued'] {
  let fullest: HealthState['queued'];
  if (pools.size === 0) return fullest;
  const frozen = latenessOf(nowMs, heart.dueMs, heart.lastMarkMs) > 0;
  const lost = census.look(
    frozen,
    [...pools.values()].reduce((sum, pool) => sum + pool.removed, 0),
  );
  for (const pool of pools.values()) {
    const size = contain('pools', () => pool.look(nowMs, heart, lost).queueSize) ?? 0;
    if (size > (fullest?.size ?? 0)) fullest = { pool: pool.name, size };
  }
  return fullest;
}

const timer = startWatch(now, (nowMs, ownLatenessMs) => {
  ledger.add('polls', 1);
  contain('suspensions', () => noteSuspension(nowMs, ownLatenessMs));
  const ours = lookAt(main, 'stalls', nowMs);
  const { heart, stall } = ours;
  contain('hang', () => {
    debuggers.note(stall !== undefined);
    guardHang?.(stall);
  });
  contain('threadpool', () => threadpool.look(nowMs, heart.loopStartedAtMs));
  state = {
    nowMs,
    heart,
    stall,
    queued: lookAtPools(nowMs, heart),
    debuggerAwayMs: debuggers.awayMs,
    closing,
  };
  contain('readiness', () => readiness.look(state));
  contain('threads', () => threads.prune());
  const others = threads.loops().map((loop) => lookAt(loop, 'threads', nowMs));
  const waitsMs = [ours, ...others].map((one) =>
    nextLookMs(now(), one.heart, options.stallThreshold, one.alert),
  );
  return Math.min(...waitsMs, pauses.isWary(nowMs) ? PULSE_MS : Number.POSITIVE_INFINITY);
});

/** The state of this moment. */
function look(): HealthState {
  timer.look();
  return state;
}

const renderMetrics = createRenderer(options.labels);

/** Scrapes that come at once share one text: any number of them costs the memory of one. */
let rendering: Promise<readonly Piece[]> | undefined;

function metrics(scrapeTimeoutMs?: number): Promise<readonly Piece[]> {
  rendering ??= render(scrapeTimeoutMs).finally(() => {
    rendering = undefined;
  });
  return rendering;
}

async function render(scrapeTimeoutMs?: number): Promise<readonly Piece[]> {
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
  const relayed = relay?.pieces() ?? [];
  return [...cut(Buffer.from(relayed.length > 0 ? `${text}\n` : text)), ...relayed];
}

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
    processes: (asked) => processes.discover(asked),
    journal: desk.journal,
    debug: createDebugHandlers({
      inspector,
      count: countCapture,
    }),
    guard: createGuard({
      token: openToken(options, now, warn),
      allowedHosts: options.allowedHosts,
    }),
    guardMetrics: options.guardMetrics,
  }),
  { port: options.port, host: options.host, tls: openTls(options, now, warn), warn },
);
const processes = openProcesses(options, server.listening, warn);

const control: Control = {
  ready: () => server.ready,
  setPool(entry) {
    const known = pools.get(entry.id);
    if (known) known.update(entry);
    else pools.set(entry.id, new PoolView(entry, now));
  },
  removePool: (id) => void pools.delete(id),
  setResourceTypes: (names) => main.setResourceTypes(names),
  async metrics() {
    const pieces = await metrics();
    const text = new Uint8Array(pieces.reduce((sum, { plain }) => sum + plain.length, 0));
    let at = 0;
    for (const { plain } of pieces) {
      text.set(plain, at);
      at += plain.length;
    }
    return transfer(text, [text.buffer]);
  },
  async close() {
    closing = true;
    timer.stop();
    inspector.close();
    threads.close();
    processes.leave();
    await server.close();
  },
};
expose(control, endpointOf(data.control));
