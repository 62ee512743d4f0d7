import type { HistorySeries } from '../../../src/shared/status.js';
import type { Points } from '../history.js';
import { BYTES, CPUS, type Measure, MILLISECONDS, SHARE, TASKS } from './scales.js';

/** A line of a chart. Each differs from the others of its chart by more than its colour. */
export interface Line {
  readonly name: string;
  /** Custom property of the style sheet. */
  readonly colour: string;
  readonly look: 'line' | 'thin' | 'dashed' | 'dotted' | 'area';
  readonly of: (points: Points) => readonly (number | null)[] | undefined;
  /** Left out of the legend where it is never known. */
  readonly maybe?: true;
  /** A bound that may be far off: it does not stretch the axis. */
  readonly bound?: true;
}

export interface Plan {
  readonly title: string;
  /** In a few words, beside the title. */
  readonly note: string;
  readonly measure: Measure;
  readonly lines: readonly Line[];
  /** The one that tells most is twice as wide, and names the stalls. */
  readonly main?: true;
}

function line(series: HistorySeries, name: string, colour: string, look: Line['look'] = 'line'): Line {
  return { name, colour, look, of: (points) => points.series[series] };
}

export const DELAY: Plan = {
  title: 'Delay',
  note: 'what an event had to wait for the loop',
  measure: MILLISECONDS,
  main: true,
  lines: [
    line('delayMaxMs', 'max', '--line-3', 'dotted'),
    line('delayP99Ms', 'p99', '--line-1', 'line'),
    line('delayP50Ms', 'p50', '--line-2', 'thin'),
  ],
};

export const PLANS: readonly Plan[] = [
  DELAY,
  {
    title: 'Utilisation',
    note: 'part of each second',
    measure: SHARE,
    lines: [
      line('utilization', 'loop held', '--line-1', 'area'),
      line('gc', 'by collections', '--line-3', 'dotted'),
    ],
  },
  {
    title: 'CPU',
    note: 'CPUs, or part of each second',
    measure: CPUS,
    lines: [
      line('processCpu', 'process', '--line-1', 'area'),
      line('mainCpu', 'main', '--line-2', 'line'),
      line('mainRunQueue', 'main waits', '--line-3', 'dashed'),
      { ...line('throttled', 'throttled', '--line-4', 'dotted'), maybe: true },
    ],
  },
  {
    title: 'Memory',
    note: 'of V8 and of the process',
    measure: BYTES,
    lines: [
      line('residentBytes', 'resident', '--line-2', 'thin'),
      line('heapUsedBytes', 'heap', '--line-1', 'area'),
      { ...line('heapLimitBytes', 'limit', '--line-limit', 'dashed'), bound: true },
    ],
  },
  {
    title: 'libuv’s queue',
    note: 'how long a probe waits for a thread',
    measure: MILLISECONDS,
    lines: [line('threadpoolDelayMs', 'delay', '--line-1', 'line')],
  },
];

export function planOfPool(name: string): Plan {
  const find = (points: Points) => points.pools.find((pool) => pool.name === name);
  return {
    title: name,
    note: 'pool, in tasks',
    measure: TASKS,
    lines: [
      { name: 'active', colour: '--line-1', look: 'area', of: (points) => find(points)?.active },
      { name: 'queued', colour: '--line-3', look: 'line', of: (points) => find(points)?.queued },
      { name: 'capacity', colour: '--line-limit', look: 'dashed', of: (points) => find(points)?.capacity },
    ],
  };
}
