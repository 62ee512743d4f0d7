import { workerData } from 'node:worker_threads';
import { expose, type Remote, transferHandlers, wrap } from 'comlink';
import { now, wallClockOf } from '../src/shared/clock.js';
import { carryErrorCodes, endpointOf } from '../src/shared/endpoint.js';
import { latenessOf } from '../src/shared/lateness.js';
import { GC, HEART, HOUSE, LEDGER, openReader, RING } from '../src/shared/layout.js';
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
import { renderMetrics } from './metrics/render.js';
import { COLLECTOR_NAMES } from './metrics/sources.js';
import { PoolView } from './pools.js';
import { openThread } from './proc.js';
import { createRelay, DROP_REASONS } from './relay.js';
import { createCapturer } from './stalls/capture.js';
import { createFrameReader } from './stalls/frames.js';
import { createHangGuard } from './stalls/hang.js';
import { countCapture, createInvestigator } from './stalls/investigate.js';
import { createJournal, createJournalFile } from './stalls/journal.js';
import { createStallLog, writeLine } from './stalls/log.js';
import { createPauseBook } from './stalls/pauses.js';
import { watchThreadpool } from './threadpool.js';
import { nextLookMs, startWatch } from './watch.js';

const data = workerData as SidecarData;
const { options, memory } = data;
carryErrorCodes(transferHandlers);

const readHeart = openReader(HEART, memory.heart);
const readHouse = openReader(HOUSE, memory.house);
const ledger = openLedger(LEDGER, memory.ledger);
const pools = new Map(data.pools.map((entry) => [entry.id, new PoolView(entry)]));
const thread = openThread(`/proc/self/task/${options.threadId}`);
const pauses = createPauseBook(openThread('/proc/thread-self').times);
const throttling = openCgroup();
const threadpool = watchThreadpool(options.threadpoolSize, ledger, now, pauses.pausedBetween);
const host: Remote<Host> = wrap<Host>(endpointOf(data.host));
let resourceTypes = data.resourceTypes;

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
  turn: () => readHeart().turns,
  gate: new Int32Array(memory.gate),
  now,
});
const toFrames = createFrameReader();
const { startedAtMs } = readHeart();
const investigator = createInvestigator({
  stallThresholdMs: options.stallThreshold,
  captureAfterMs: options.capture,
  ledger,
  readRing: openReader(RING, memory.ring),
  readGc: openReader(GC, memory.gc),
  thread,
  pausedBetween: pauses.pausedBetween,
  capturer,
  toFrames,
  idPrefix: `${process.pid}-${Math.floor(wallClockOf(startedAtMs) / 1000).toString(36)}`,
  onBegin: (stall) => toFile?.({ type: 'begin', time: new Date().toISOString(), stall }),
  onEnd(stall) {
    journal.add(stall);
    toFile?.({ type: 'end', time: new Date().toISOString(), stall });
    logStall?.(now(), stall);
    host.stall(stall).catch(() => {}); // Main is gone; the stall is counted and journalled.
  },
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
  const heart = readHeart();
  const states = [...pools.values()].map((pool) => ({ pool: pool.name, ...pool.look(nowMs, heart) }));
  const report = { type: 'hang', time: new Date().toISOString(), stall, pools: states, heart };
  toFile?.(report);
  writeLine(`event-loop-watchdog: the event loop does not come back: ${JSON.stringify(report)}`);
}

/** What the last look saw. */
let state: HealthState;
let closing = false;
const readiness = createReadiness(options.readiness);

const watch = startWatch(now, (nowMs, ownLatenessMs) => {
  const pausedMs = pauses.note(nowMs, ownLatenessMs);
  if (pausedMs > 0) {
    ledger.add('pauses', 1);
    ledger.add('pauseMs', pausedMs);
  }
  const heart = readHeart();
  const stall = investigator.observe(nowMs, heart);
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
  return nextLookMs(now(), heart, options.stallThreshold);
});

/** The state of this moment. */
function look(): HealthState {
  watch.look();
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
  const before = readHeart();
  const blocked = latenessOf(now(), before.dueMs, before.lastMarkMs) >= options.stallThreshold;
  await relay?.refresh(blocked || before.loopStartedAtMs === 0, scrapeTimeoutMs);
  const { nowMs, heart } = look();
  const text = await renderMetrics({
    nowMs,
    heart,
    house: readHouse(),
    resourceTypes,
    ledger,
    pools: [...pools.values()],
    threadpool: threadpool.state(nowMs),
    options,
    threadTimes: thread.times(),
    throttling: throttling?.(),
    sidecarLagMaxMs: watch.lagMaxMs(nowMs),
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
    journal,
    debug: createDebugHandlers({
      capturer,
      toFrames,
      count: (kind, result) => countCapture(ledger, kind, result),
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

const control: Control = {
  ready: () => server.ready,
  setPool(entry) {
    const known = pools.get(entry.id);
    if (known) known.update(entry);
    else pools.set(entry.id, new PoolView(entry));
  },
  removePool: (id) => void pools.delete(id),
  setResourceTypes(names) {
    resourceTypes = names;
  },
  metrics: () => metrics(),
  async close() {
    closing = true;
    watch.stop();
    await server.close();
  },
};
expose(control, endpointOf(data.control));
