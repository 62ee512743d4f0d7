import { latenessOf } from '../../src/shared/lateness.js';
import type { LoopStats } from '../../src/shared/layout.js';
import type { Contain } from '../contain.js';
import type { ProcessLedger } from '../counters.js';
import type { LoopAccounts } from '../loops/loop.js';
import type { CpuThrottling } from '../system/cgroup.js';
import { readResidentBytes } from '../system/process.js';
import { activeMsOf, shareOf } from './activity.js';
import type { Readings } from './history.js';
import { type Delays, delaysOf, quantileMs } from './quantile.js';
import { probeDelayMs } from './threadpool.js';

/** Where the numbers of a point come from. */
export interface SecondSources {
  readonly ledger: ProcessLedger;
  /** `undefined` where the system keeps no such accounts. */
  readonly throttling: (() => CpuThrottling | undefined) | undefined;
  readonly contain: Contain;
}

/** Reads what a point has to say of the time since the point before it. */
export type ReadSecond = (nowMs: number, main: LoopAccounts) => Readings;

/** Milliseconds so far; what they grow by is told. NaN: not known. */
interface Counters {
  readonly atMs: number;
  readonly activeMs: number;
  readonly processCpuMs: number;
  readonly mainCpuMs: number;
  readonly runQueueMs: number;
  readonly throttledMs: number;
  /** Of a turn's collections it is known when that is over. */
  readonly gcMs: number;
  readonly delays: Delays;
}

/** Of so many points one has it read anew: it changes slowly, and takes a file of the system's. */
const RESIDENT_EVERY = 5;

/** Runs once a second, and so is never compiled: what is left out here is felt on an idle machine. */
export function createSecond({ ledger, throttling, contain }: SecondSources): ReadSecond {
  const worstOf = createWorst();
  let before: Counters | undefined;
  let points = 0;
  let residentBytes = Number.NaN;

  /** The fault of one costs that one. */
  const read = (reading: () => number | undefined): number => contain('self', reading) ?? Number.NaN;
  const readThrottled = (): number | undefined => throttling?.()?.throttledSeconds;

  function count(nowMs: number, { stats, times, gc, ledger: ofLoop }: LoopAccounts): Counters {
    return {
      atMs: nowMs,
      activeMs: activeMsOf(nowMs, stats),
      processCpuMs: read(processCpuMs),
      mainCpuMs: times?.cpuMs ?? Number.NaN,
      runQueueMs: times?.runQueueMs ?? Number.NaN,
      throttledMs: throttling ? 1000 * read(readThrottled) : Number.NaN,
      gcMs: gc.sumsMs.reduce(add),
      delays: delaysOf(ofLoop),
    };
  }

  return (nowMs, main) => {
    const to = count(nowMs, main);
    const from = before ?? to;
    before = to;
    const ms = to.atMs - from.atMs;
    if (points++ % RESIDENT_EVERY === 0) residentBytes = read(readResidentBytes);
    const worst = worstOf(nowMs, main.stats);
    // Within a bucket it is interpolated; but nobody waited longer than for the longest turn.
    const delayP99Ms = Math.min(quantileMs(0.99, from.delays, to.delays), worst.mostMs);
    return {
      delayP50Ms: Math.min(quantileMs(0.5, from.delays, to.delays), worst.mostMs),
      delayP99Ms,
      delayMaxMs: Math.max(worst.newsMs, delayP99Ms),
      utilization: shareOf((to.activeMs - from.activeMs) / ms),
      threadpoolDelayMs: probeDelayMs(nowMs, ledger) ?? Number.NaN,
      processCpu: (to.processCpuMs - from.processCpuMs) / ms,
      // What is booked at its end, such as a wait for a CPU, may be more than there was room for.
      mainCpu: shareOf((to.mainCpuMs - from.mainCpuMs) / ms),
      mainRunQueue: shareOf((to.runQueueMs - from.runQueueMs) / ms),
      throttled: (to.throttledMs - from.throttledMs) / ms,
      // The first look at the heap comes with the first beat.
      heapUsedBytes: main.heap.usedBytes || Number.NaN,
      heapLimitBytes: main.heap.limitBytes || Number.NaN,
      residentBytes,
      gc: shareOf((to.gcMs - from.gcMs) / ms),
    };
  };
}

const add = (sum: number, one: number): number => sum + one;

function processCpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/** The longest delay since it was last asked, the turn in progress included; NaN if it was not. */
interface Worst {
  /** The longest that is surely of that time. */
  readonly newsMs: number;
  /** There was none that was longer. */
  readonly mostMs: number;
}

const UNKNOWN: Worst = { newsMs: Number.NaN, mostMs: Number.NaN };

function createWorst(): (nowMs: number, stats: LoopStats) => Worst {
  /** The second in which it was asked: the longest that it had by then may have been told. */
  let asked: { readonly second: number; readonly ms: number } | undefined;
  return (nowMs, { loopStartedAtMs, worstSecond, worstMs, dueMs, lastMarkMs }) => {
    const worstIn = (second: number): number => worstMs[worstSecond.indexOf(second)] ?? 0;
    const last = asked;
    const thisSecond = Math.floor(nowMs / 1000);
    asked = { second: thisSecond, ms: worstIn(thisSecond) };
    if (!last || loopStartedAtMs === 0) return UNKNOWN;
    let newsMs = latenessOf(nowMs, dueMs, lastMarkMs);
    // Older ones than these are not kept.
    const first = Math.max(last.second + 1, thisSecond - worstMs.length);
    for (let second = first; second <= thisSecond; second++) newsMs = Math.max(newsMs, worstIn(second));
    const lastMs = worstIn(last.second);
    const mostMs = Math.max(newsMs, lastMs);
    return { newsMs: lastMs > last.ms ? mostMs : newsMs, mostMs };
  };
}
