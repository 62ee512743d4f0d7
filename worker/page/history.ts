import type { History, HistorySeries, StallBand } from '../../src/shared/status.js';

/** As the sidecar keeps it: the page that is open for a day has no more than one that was just opened. */
const KEPT_MS = 15 * 60_000;
/** Points come each second. From here on a line between two would tell of what nobody knows. */
const GAP_MS = 5_000;

type Values = (number | null)[];

export interface PoolPoints {
  readonly name: string;
  readonly active: Values;
  readonly capacity: Values;
  readonly queued: Values;
}

/** What has been heard of the last 15 minutes, all series as long as `at`. */
export interface Points {
  readonly at: number[];
  readonly series: Partial<Record<HistorySeries, Values>>;
  readonly pools: PoolPoints[];
  stalls: readonly StallBand[];
}

export interface Ring {
  readonly points: Points;
  /** To ask for what is newer; `undefined`: for all. */
  readonly seq: number | undefined;
  /** Takes in what was answered to the question for what is newer than `seq`. */
  add(history: History): void;
  /** Another process answers. */
  clear(): void;
}

export function createRing(): Ring {
  const empty = (): Points => ({ at: [], series: {}, pools: [], stalls: [] });
  let points = empty();
  let seq: number | undefined;
  return {
    get points() {
      return points;
    },
    get seq() {
      return seq;
    },
    add(history) {
      // It counts from anew: these are all points.
      if (seq !== undefined && history.seq < seq) points = empty();
      addGap(points, history.at[0]);
      addPoints(points, history);
      dropOld(points);
      points.stalls = history.stalls;
      seq = history.seq;
    },
    clear() {
      points = empty();
      seq = undefined;
    },
  };
}

function columnsOf({ series, pools }: Points): Values[] {
  const ofPools = pools.flatMap(({ active, capacity, queued }) => [active, capacity, queued]);
  return [...Object.values(series), ...ofPools];
}

/** Where nothing is known the lines break. */
function addGap(points: Points, next: number | undefined): void {
  const last = points.at.at(-1);
  if (last === undefined || next === undefined || next - last <= GAP_MS) return;
  points.at.push((last + next) / 2);
  for (const column of columnsOf(points)) column.push(null);
}

function addPoints(points: Points, history: History): void {
  const unknown = (): Values => points.at.map(() => null);
  for (const [name, values] of Object.entries(history.series) as [HistorySeries, Values][]) {
    points.series[name] ??= unknown();
    points.series[name].push(...values);
  }
  for (const { name, active, capacity, queued } of history.pools) {
    let pool = points.pools.find((known) => known.name === name);
    if (!pool) {
      pool = { name, active: unknown(), capacity: unknown(), queued: unknown() };
      points.pools.push(pool);
    }
    pool.active.push(...active);
    pool.capacity.push(...capacity);
    pool.queued.push(...queued);
  }
  points.at.push(...history.at);
  // A pool that is no longer watched.
  for (const column of columnsOf(points)) while (column.length < points.at.length) column.push(null);
}

function dropOld(points: Points): void {
  const oldest = (points.at.at(-1) ?? 0) - KEPT_MS;
  const from = points.at.findIndex((moment) => moment >= oldest);
  if (from <= 0) return;
  for (const column of [points.at, ...columnsOf(points)]) column.splice(0, from);
}
