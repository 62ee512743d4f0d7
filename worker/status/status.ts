import { wallClockOf } from '../../src/shared/clock.js';
import { latenessOf } from '../../src/shared/lateness.js';
import type { LoopStats } from '../../src/shared/layout.js';
import type { SidecarOptions } from '../../src/shared/protocol.js';
import { maxSince } from '../../src/shared/sliding-max.js';
import type { Stall } from '../../src/shared/stall.js';
import type { LoopState, LoopStatus, PoolStatus, Status } from '../../src/shared/status.js';
import type { ProcessLedger } from '../counters.js';
import type { Loop } from '../loops/loop.js';
import type { PoolView } from '../pools/pool.js';
import { readResidentBytes } from '../system/process.js';
import type { ThreadpoolState } from '../system/threadpool.js';
import { VERSION } from '../version.js';
import type { Records } from './records.js';
import { sentenceOf } from './sentence.js';
import { probeDelayMs } from './threadpool.js';

const LAG_WINDOW_SECONDS = 60;

export type ReportedLoop = Pick<Loop, 'name' | 'stall' | 'stats' | 'view'>;

/** The moment's sources; all as of the latest round. */
export interface StatusSources {
  readonly nowMs: number;
  /** Main's first. */
  readonly loops: readonly [ReportedLoop, ...ReportedLoop[]];
  readonly pools: readonly Pick<PoolView, 'name' | 'state'>[];
  readonly threadpool: ThreadpoolState;
  readonly ledger: ProcessLedger;
  readonly options: Pick<SidecarOptions, 'heartbeatInterval' | 'stallThreshold' | 'processStartedAtMs'>;
  readonly app: string;
  readonly restarts: number;
  readonly latestStall: Stall | undefined;
  readonly records: Pick<Records, 'minute' | 'utilization'>;
}

/** The process as it is seen at this moment. */
export function statusOf(sources: StatusSources): Status {
  const { nowMs, loops, options, records, latestStall } = sources;
  const [main] = loops;
  const { startedAtMs, pausedSinceMs } = main.stats();
  const statuses = loops.map((loop) => loopStatusOf(sources, loop));
  const threadpool = threadpoolOf(sources);
  const sentence = sentenceOf(statuses, {
    threadpool,
    startingMs: nowMs - startedAtMs,
    pausedMs: pausedSinceMs > 0 ? nowMs - pausedSinceMs : 0,
    minute: records.minute(nowMs),
  });
  return {
    at: new Date(wallClockOf(nowMs)).toISOString(),
    sentence,
    process: processOf(sources),
    loops: statuses,
    pools: sources.pools.map(poolStatusOf),
    threadpool,
    ...(latestStall && { latestStall: latestStall.id }),
    settings: {
      heartbeatInterval: options.heartbeatInterval,
      stallThreshold: options.stallThreshold,
    },
  };
}

function processOf({ app, options, restarts }: StatusSources): Status['process'] {
  return {
    app,
    pid: process.pid,
    nodeVersion: process.version,
    watchdogVersion: VERSION,
    startedAt: new Date(options.processStartedAtMs).toISOString(),
    ...known('residentBytes', readResidentBytes()),
    sidecarRestarts: restarts,
  };
}

function threadpoolOf({ nowMs, threadpool, ledger }: StatusSources): Status['threadpool'] {
  const { size, probePendingMs } = threadpool;
  return {
    size,
    ...known('queueDelayMs', thousandths(probeDelayMs(nowMs, ledger))),
    ...known('pendingMs', probePendingMs > 0 ? thousandths(probePendingMs) : undefined),
  };
}

function loopStatusOf({ nowMs, options, records }: StatusSources, loop: ReportedLoop): LoopStatus {
  const { stats, ledger, heap } = loop.view();
  const stall = loop.stall();
  const started = stats.loopStartedAtMs > 0;
  const lagMs = started ? latenessOf(nowMs, stats.dueMs, stats.lastMarkMs) : 0;
  const worstMs = maxSince(stats.worstSecond, stats.worstMs, nowMs, LAG_WINDOW_SECONDS);
  const { usedBytes, totalBytes, limitBytes } = heap;
  return {
    thread: loop.name,
    state: stateOf(stats, lagMs / options.stallThreshold, stall),
    lagMs: thousandths(lagMs),
    lagMaxMs: thousandths(Math.max(lagMs, worstMs)),
    turns: stats.turns,
    ...known('utilization', thousandths(records.utilization(nowMs, loop))),
    ...(stall && { stall }),
    stalls: ledger.get('stallCount'),
    stallSeconds: thousandths(ledger.get('stallSumMs') / 1000),
    ...(limitBytes > 0 && { heap: { usedBytes, totalBytes, limitBytes } }),
  };
}

/** A loop that has work is a little late all the time. */
const LATE_FROM = 0.5;

/** @param lag in stall thresholds */
function stateOf(stats: LoopStats, lag: number, stall: Stall | undefined): LoopState {
  if (stats.loopStartedAtMs === 0) return 'starting';
  if (stats.pausedSinceMs > 0) return 'paused';
  if (stall) return 'blocked';
  return lag >= LATE_FROM ? 'late' : 'turning';
}

function poolStatusOf({ name, state }: Pick<PoolView, 'name' | 'state'>): PoolStatus {
  const { dispatchBlockedMs, oldestTaskMs } = state ?? {};
  return {
    name,
    ...known('capacity', state?.capacity),
    ...known('active', state?.active),
    ...known('queued', state?.queueSize),
    ...known('completed', state?.completed),
    ...known('threads', state?.threads),
    ...known('oldestTaskMs', thousandths(oldestTaskMs)),
    ...known('dispatchBlockedSeconds', thousandths(dispatchBlockedMs && dispatchBlockedMs / 1000)),
  };
}

/** A number that is known; what is not is absent. */
function known<N extends string>(name: N, value: number | undefined): { readonly [K in N]?: number } {
  return (value === undefined || Number.isNaN(value) ? {} : { [name]: value }) as { [K in N]?: number };
}

function thousandths(value: number): number;
function thousandths(value: number | undefined): number | undefined;
function thousandths(value: number | undefined): number | undefined {
  return value === undefined ? undefined : Math.round(value * 1000) / 1000;
}
