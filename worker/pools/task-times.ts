import type { Histogram } from 'node:perf_hooks';
import { type POOL_LEDGER, TASK_BOUNDS_MS } from '../../src/shared/layout.js';
import type { Ledger } from '../counters.js';

/** How long the tasks of a pool took, since the pool is watched. */
export interface TaskTimes {
  readonly count: number;
  readonly sumMs: number;
  /** How many took at most each of `TASK_BOUNDS_MS`. */
  readonly buckets: readonly number[];
}

/** Reading the record takes at most this part of the sidecar's time, a pool and kind. */
const READ_SHARE = 1 / 200;
/** Whatever it took, on a machine that is busy with other things. */
const READ_EVERY_MS = 1000;

/** The row of the ledger: count, sum, buckets. */
type Row = readonly number[];

/**
 * Follows Piscina's record of its tasks' times (an HDR histogram, in microseconds) by its copy here, which
 * goes on showing what main records. It costs main nothing.
 */
export function followTimes(
  histogram: Histogram,
  ledger: Ledger<(typeof POOL_LEDGER)['fields']>,
  kind: 'run' | 'wait',
  clock: () => number,
): () => TaskTimes {
  const width = 2 + TASK_BOUNDS_MS.length;
  const row = (field: 'run' | 'runBefore' | 'wait' | 'waitBefore'): Row =>
    Array.from({ length: width }, (_, i) => ledger.get(field, i));
  let last: Row = new Array(width).fill(0);
  let nextReadMs = 0;

  function follow(count: number): void {
    if (count < ledger.get(`${kind}Seen`)) {
      // The app has reset it: what was told stays, and goes on from there.
      row(kind).forEach((told, i) => void ledger.set(`${kind}Before`, told, i));
      last = new Array(width).fill(0);
    }
    ledger.set(`${kind}Seen`, count);
    last = readRow(histogram, count, last);
    last.forEach((value, i) => void ledger.raise(kind, ledger.get(`${kind}Before`, i) + value, i));
  }

  return () => {
    const startMs = clock();
    const { count } = histogram;
    if (startMs >= nextReadMs && count !== ledger.get(`${kind}Seen`)) {
      follow(count);
      const endMs = clock();
      nextReadMs = endMs + Math.min(READ_EVERY_MS, (endMs - startMs) / READ_SHARE);
    }
    const [told = 0, sumMs = 0, ...buckets] = row(kind);
    return { count: told, sumMs, buckets };
  };
}

function readRow(histogram: Histogram, count: number, last: Row): Row {
  const sumMs = count === 0 ? 0 : (histogram.mean * count) / 1000;
  const more = count - (last[0] as number);
  let low = 0;
  const buckets = TASK_BOUNDS_MS.map((boundMs, i) => {
    const before = last[2 + i] as number;
    low = countUpTo(histogram, boundMs * 1000, count, Math.max(low, before), Math.min(count, before + more));
    return low;
  });
  return [count, sumMs, ...buckets];
}

/**
 * How many of the values recorded are at most `bound`: the record tells only the value at a rank, so the rank
 * is searched for, between two that are known. As exact as the record: 0.1 % of the bound.
 */
function countUpTo(histogram: Histogram, bound: number, count: number, from: number, to: number): number {
  if (histogram.max <= bound) return count;
  let [low, high] = [from, to];
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (histogram.percentile((100 * middle) / count) <= bound) low = middle;
    else high = middle - 1;
  }
  return low;
}
