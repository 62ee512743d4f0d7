import { latenessOf } from '../../src/shared/lateness.js';
import type { LoopStats } from '../../src/shared/layout.js';
import type { HistorySeries } from '../../src/shared/status.js';
import type { Contain } from '../contain.js';
import type { ProcessLedger } from '../counters.js';
import type { LoopView } from '../loops/loop.js';
import type { CpuThrottling } from '../system/cgroup.js';
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
export type ReadSecond = (nowMs: number, main: LoopView) => Readings;

type Counter = 'utilization' | 'processCpu' | 'mainCpu' | 'mainRunQueue' | 'throttled' | 'gc';
type Gauge = 'threadpoolDelayMs' | 'heapUsedBytes' | 'heapLimitBytes' | 'residentBytes';
type Reading<N extends string> = Readonly<Record<N, (nowMs: number, main: LoopView) => number | undefined>>;

/** Of a part of a second there is no more than one: what was booked at its end lay before it. */
const SHARES: readonly HistorySeries[] = ['utilization', 'mainCpu', 'mainRunQueue', 'gc'];

export function createSecond({ ledger, throttling, contain }: SecondSources): ReadSecond {
  /** Milliseconds so far; what they grew by, by the time that passed, is told. */
  const counters: Reading<Counter> = {
    utilization: (nowMs, { stats }) => activeMsOf(nowMs, stats),
    processCpu: processCpuMs,
    mainCpu: (_nowMs, { times }) => times?.cpuMs,
    mainRunQueue: (_nowMs, { times }) => times?.runQueueMs,
    throttled: () => throttledMs(throttling),
    // Known when the turn is over in which they were.
    gc: (_nowMs, { gc }) => gc.sumsMs.reduce((sum, ms) => sum + ms, 0),
  };
  const gauges: Reading<Gauge> = {
    threadpoolDelayMs: (nowMs) => probeDelayMs(nowMs, ledger),
    // The first look at the heap comes with the first beat.
    heapUsedBytes: (_nowMs, { heap }) => heap.usedBytes || undefined,
    heapLimitBytes: (_nowMs, { heap }) => heap.limitBytes || undefined,
    residentBytes: () => process.memoryUsage.rss(),
  };
  const worstOf = createWorst();
  let before: { readonly atMs: number; readonly values: Partial<Readings>; readonly delays: Delays };

  /** Each by itself: the fault of one costs that one. */
  function readAll<N extends HistorySeries>(
    readings: Reading<N>,
    nowMs: number,
    main: LoopView,
  ): Record<N, number> {
    const names = Object.keys(readings) as N[];
    const read = (name: N): number => contain('status', () => readings[name](nowMs, main)) ?? Number.NaN;
    return Object.fromEntries(names.map((name) => [name, read(name)])) as Record<N, number>;
  }

  return (nowMs, main) => {
    const values = readAll(counters, nowMs, main);
    const delays = delaysOf(main.ledger);
    const { atMs, ...last } = before ?? { atMs: nowMs, values: {}, delays };
    before = { atMs: nowMs, values, delays };
    const worst = worstOf(nowMs, main.stats);
    // Within a bucket it is interpolated; but nobody waited longer than for the longest turn.
    const quantile = (q: number): number => Math.min(quantileMs(q, last.delays, delays), worst.mostMs);
    const delayP99Ms = quantile(0.99);
    const grown = Object.entries(values).map(([name, value]) => {
      const perMs = (value - (last.values[name as Counter] ?? Number.NaN)) / (nowMs - atMs);
      return [name, SHARES.includes(name as Counter) ? shareOf(perMs) : perMs];
    });
    return {
      ...(Object.fromEntries(grown) as Record<Counter, number>),
      ...readAll(gauges, nowMs, main),
      delayP50Ms: quantile(0.5),
      delayP99Ms,
      delayMaxMs: Math.max(worst.newsMs, delayP99Ms),
    };
  };
}

function processCpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

function throttledMs(throttling: SecondSources['throttling']): number | undefined {
  const seconds = throttling?.()?.throttledSeconds;
  return seconds === undefined ? undefined : seconds * 1000;
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
    const worstOf = (second: number): number => worstMs[worstSecond.indexOf(second)] ?? 0;
    const last = asked;
    const thisSecond = Math.floor(nowMs / 1000);
    asked = { second: thisSecond, ms: worstOf(thisSecond) };
    if (!last || loopStartedAtMs === 0) return UNKNOWN;
    const lateMs = latenessOf(nowMs, dueMs, lastMarkMs);
    const laterMs = worstMs.filter((_ms, slot) => (worstSecond[slot] as number) > last.second);
    const newsMs = Math.max(lateMs, ...laterMs);
    const mostMs = Math.max(newsMs, worstOf(last.second));
    return { newsMs: worstOf(last.second) > last.ms ? mostMs : newsMs, mostMs };
  };
}
