import type { History, HistorySeries, Series, StallBand } from '../../src/shared/status.js';

/** As the sidecar keeps it: the page that is open for a day has no more than one that was just opened. */
const KEPT_MS = 15 * 60_000;
/** Points come each second. From here on a line between two would tell of what nobody knows. */
const GAP_MS = 5_000;

/** The next sidecar may have rounded otherwise; of one that goes on neither has the end. */
const SAME_MS = 50;

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
      dropFrom(points, history.at[0]);
      addPoints(points, history);
      dropOld(points);
      dropPools(points, history.pools);
      points.stalls = withCauses(history.stalls, points.stalls);
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

/** Where points are to come from, by their index in an answer; -1: from nowhere, so that the lines break. */
function slotsOf(at: readonly number[], before: number | undefined): number[] {
  return at.flatMap((moment, index) => {
    const last = at[index - 1] ?? before ?? moment;
    return moment - last > GAP_MS ? [-1, index] : [index];
  });
}

function addPoints(points: Points, history: History): void {
  const { at } = points;
  const slots = slotsOf(history.at, at.at(-1));
  const unknown = (): Values => at.map(() => null);
  const add = (column: Values, values: Series): void => {
    for (const slot of slots) column.push(values[slot] ?? null);
  };
  for (const name of Object.keys(history.series) as HistorySeries[]) {
    points.series[name] ??= unknown();
    add(points.series[name], history.series[name]);
  }
  for (const { name, active, capacity, queued } of history.pools) {
    let pool = points.pools.find((known) => known.name === name);
    if (!pool) {
      pool = { name, active: unknown(), capacity: unknown(), queued: unknown() };
      points.pools.push(pool);
    }
    add(pool.active, active);
    add(pool.capacity, capacity);
    add(pool.queued, queued);
  }
  // Between the two that are known.
  for (const [index, slot] of slots.entries()) {
    const next = history.at[slots[index + 1] ?? -1] ?? 0;
    at.push(history.at[slot] ?? ((at.at(-1) ?? next) + next) / 2);
  }
  // A pool that is no longer watched.
  for (const column of columnsOf(points)) while (column.length < at.length) column.push(null);
}

/** All points come again when the server's clock was set back, and take the place of those that we have. */
function dropFrom(points: Points, first = Number.POSITIVE_INFINITY): void {
  const from = points.at.findIndex((moment) => moment >= first);
  if (from >= 0) for (const column of [points.at, ...columnsOf(points)]) column.length = from;
}

/** Those that are told of no more, and of which nothing is left. */
function dropPools({ pools }: Points, told: History['pools']): void {
  const isTold = ({ name }: PoolPoints): boolean => told.some((one) => one.name === name);
  const isKnown = (values: Values): boolean => values.some((value) => value !== null);
  const kept = pools.filter(
    (pool) => isTold(pool) || [pool.active, pool.capacity, pool.queued].some(isKnown),
  );
  pools.splice(0, pools.length, ...kept);
}

/** A sidecar does not know why those were that the one before it has seen; but this page may. */
function withCauses(stalls: readonly StallBand[], before: readonly StallBand[]): StallBand[] {
  const known = new Map(before.map((stall) => [stall.id, stall]));
  return stalls.map((stall) => {
    const { cause, toMs = Number.NaN } = known.get(stall.id) ?? {};
    const isSame = Math.abs((stall.toMs ?? Number.NaN) - toMs) < SAME_MS;
    return stall.cause === 'unknown' && cause && isSame ? { ...stall, cause } : stall;
  });
}

function dropOld(points: Points): void {
  const oldest = (points.at.at(-1) ?? 0) - KEPT_MS;
  const from = points.at.findIndex((moment) => moment >= oldest);
  if (from <= 0) return;
  for (const column of [points.at, ...columnsOf(points)]) column.splice(0, from);
}
