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
import { LEDGER, type LoopStats, openReader, PROCESS_STATE } from '../src/shared/layout.js';
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
import { nextPollMs, startPoll } from './poll.js';
import { PoolView } from './pools/pool.js';
import { openProcesses } from './processes/processes.js';
import { createRelay } from './relay/relay.js';
import { createHangGuard } from './reports/hang.js';
import { openReporter } from './reports/reporter.js';
import { logNoAccounts } from './reports/stall-log.js';
import { createSuspensions, PULSE_MS } from './stalls/suspensions.js';
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

const readProcessState = openReader(PROCESS_STATE, memory.processState);
const ledger = openLedger(LEDGER, memory.ledger);
const pools = new Map(data.pools.map((entry) => [entry.id, new PoolView(entry, now)]));
const census = openCensus();
const suspensions = createSuspensions(openThread('/proc/thread-self').times, keptByDisk);
const throttling = openCgroup();
const threadpool = watchThreadpool(
  options.threadpoolSize,
  ledger,
  now,
  (fromMs, toMs) => suspensions.suspendedBetween(fromMs, toMs).likelyMs,
);
const host: Remote<Host> = wrap<Host>(endpointOf(data.host));

const collectorErrors = openTally(ledger, 'collectorErrors', COLLECTORS);
const relayDropped = openTally(ledger, 'relayDropped', DROP_REASONS);
const relay = options.relay
  ? createRelay({
      fetch: () => host.relay(),
      now,
      turns: () => main.stats().turns,
      onError: () => collectorErrors.add('relay'),
      onDrop: relayDropped.add,
      labels: options.labels,
    })
  : undefined;

/** Tells of what the app survives, as a process warning. */
const warn = (message: string): void => void host.warn(message).catch(() => {});

// Stalls: what is found out about them, and who is told.
const reporter = openReporter({
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
  debugPort: () => readProcessState().debugPort,
  inspectorOpen: () => readProcessState().inspectorOpen > 0,
});
const inspector = createInspector({
  whyNot: () => options.notInspectable ?? (debuggers.awayMs() === 0 ? 'a debugger is attached' : undefined),
  loop: data.loop.stats,
  onThreadEnd: census.excuse,
  interlock: memory.interlock,
  sourceLines: options.sourceLines,
  entry: options.entry,
});

function countCapture(kind: CaptureKind, result: CaptureResult): void {
  const index = CAPTURE_KINDS.indexOf(kind) * CAPTURE_RESULTS.length + CAPTURE_RESULTS.indexOf(result);
  ledger.add('captures', 1, index);
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
    suspendedBetween: suspensions.suspendedBetween,
    onCapture: (result) => countCapture('stack', result),
    onUnavailable: reporter.noStacks,
    idPrefix: `${process.pid}-${id}`,
    onBegin: reporter.begin,
    onEnd: reporter.end,
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
wallTimeOf(ledger, 'startedAt', main.stats().startedAtMs);
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
      reporter.hang(stall, { pools: states, stats: main.stats() });
    },
    kill: (signal) => process.kill(process.pid, signal),
  });

// Linux with /proc hidden, or a kernel without accounts. Once: a sidecar that replaces another need not say it again.
const accountable = process.platform === 'linux' && options.threadId !== undefined;
if (accountable && options.log && !main.view().times && readProcessState().restarts === 0)
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
  const suspendedMs = suspensions.note(nowMs, ownLatenessMs);
  if (suspendedMs === 0) return;
  ledger.add('suspensions', 1);
  ledger.add('suspendedMs', suspendedMs);
}

function sampleLoop(loop: Loop, name: CollectorName, nowMs: number): ReturnType<Loop['sample']> {
  return contain(name, () => loop.sample(nowMs)) ?? { stats: loop.stats(), stall: undefined, alert: false };
}

/** Looks at all pools. Returns the one in which most tasks wait. */
function samplePools(nowMs: number, stats: LoopStats): HealthState['queued'] {
  let fullest: HealthState['queued'];
  if (pools.size === 0) return fullest;
  const frozen = latenessOf(nowMs, stats.dueMs, stats.lastMarkMs) > 0;
  const lost = census.sample(
    frozen,
    [...pools.values()].reduce((sum, pool) => sum + pool.removed, 0),
  );
  for (const pool of pools.values()) {
    const size = contain('pools', () => pool.sample(nowMs, stats, lost).queueSize) ?? 0;
    if (size > (fullest?.size ?? 0)) fullest = { pool: pool.name, size };
  }
  return fullest;
}

const timer = startPoll(now, (nowMs, ownLatenessMs) => {
  ledger.add('polls', 1);
  contain('suspensions', () => noteSuspension(nowMs, ownLatenessMs));
  const ours = sampleLoop(main, 'stalls', nowMs);
  const { stats, stall } = ours;
  contain('hang', () => {
    debuggers.note(stall !== undefined);
    guardHang?.(stall);
  });
  contain('threadpool', () => threadpool.sample(nowMs, stats.loopStartedAtMs));
  state = {
    nowMs,
    stats,
    stall,
    queued: samplePools(nowMs, stats),
    debuggerAwayMs: debuggers.awayMs,
    closing,
  };
  contain('readiness', () => readiness.note(state));
  contain('threads', () => threads.prune());
  const others = threads.loops().map((loop) => sampleLoop(loop, 'threads', nowMs));
  const waitsMs = [ours, ...others].map((one) =>
    nextPollMs(now(), one.stats, options.stallThreshold, one.alert),
  );
  return Math.min(...waitsMs, suspensions.isWary(nowMs) ? PULSE_MS : Number.POSITIVE_INFINITY);
});

/** The state of this moment. */
function pollNow(): HealthState {
  timer.atOnce();
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
  const before = main.stats();
  const blocked = latenessOf(now(), before.dueMs, before.lastMarkMs) >= options.stallThreshold;
  await relay?.refresh(blocked || before.loopStartedAtMs === 0, scrapeTimeoutMs);
  const { nowMs } = pollNow();
  const text = await renderMetrics({
    nowMs,
    loops: [main.view(), ...threads.loops().map((loop) => loop.view())],
    processState: readProcessState(),
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
      const { nowMs, stats, stall } = pollNow();
      return {
        status: stats.loopStartedAtMs === 0 ? 'starting' : stall ? 'stalled' : 'ok',
        lagSeconds: latenessOf(nowMs, stats.dueMs, stats.lastMarkMs) / 1000,
        uptimeSeconds: (nowMs - stats.startedAtMs) / 1000,
        turns: stats.turns,
      };
    },
    liveness: () => checkLiveness(pollNow(), options.livenessTimeout),
    readiness: () => readiness.check(pollNow()),
    processes: (asked) => processes.discover(asked),
    journal: reporter.journal,
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
