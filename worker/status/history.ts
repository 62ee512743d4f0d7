import { HISTORY_SERIES, type History, type HistorySeries, type Series } from '../../src/shared/status.js';

/** Points that are kept: one about each second. */
const POINTS_MAX = 900;
const KEPT_MS = 15 * 60_000;
const POOLS_MAX = 16;

const POOL_SERIES = ['active', 'capacity', 'queued'] as const;
type PoolSeries = (typeof POOL_SERIES)[number];

/** Numbers of one point; NaN where it is not known. */
export type Readings = Readonly<Record<HistorySeries, number>>;
export type PoolReadings = Readonly<Record<PoolSeries, number>> & { readonly name: string };

/** The last 15 minutes, in this sidecar's memory: 227 KB at most. */
export interface Ring {
  /**
   * Adds a point.
   * @param atMs on the shared clock
   * @param wallMs the same by the wall clock
   */
  note(atMs: number, wallMs: number, readings: Readings, pools: readonly PoolReadings[]): void;
  /** The points after this one; all, if there is none of that number yet, or the clock was set back since. */
  since(seq: number | undefined, wallMs: number): Omit<History, 'stalls'>;
  /** Bytes of its arrays. */
  bytes(): number;
}

type Columns<N extends string> = Readonly<Record<N, Float32Array>>;

interface PoolColumns extends Columns<PoolSeries> {
  /** The latest point that it was in. */
  seq: number;
}

const columnsOf = <N extends string>(names: readonly N[]): Columns<N> =>
  Object.fromEntries(
    names.map((name) => [name, new Float32Array(POINTS_MAX).fill(Number.NaN)]),
  ) as Columns<N>;

/** @param firstSeq number of the first point */
export function createRing(firstSeq: number): Ring {
  const at = new Float64Array(POINTS_MAX);
  const columns = columnsOf(HISTORY_SERIES);
  const pools = new Map<string, PoolColumns>();
  let nextSeq = firstSeq;
  let lastMs = Number.NaN;
  /** The first point since the clock was set back: who has only older ones has them at other times. */
  let setBackSeq = firstSeq;

  /** Whoever sets the clock back sets it back for all points: they stay in order. */
  function keepOrder(atMs: number, wallMs: number): void {
    const last = at[(nextSeq - 1) % POINTS_MAX] as number;
    if (nextSeq === firstSeq || wallMs > last) return;
    const shiftMs = wallMs - (atMs - lastMs) - last;
    for (let slot = 0; slot < POINTS_MAX; slot++) at[slot] = (at[slot] as number) + shiftMs;
    setBackSeq = nextSeq;
  }

  /** That of a pool by this name before, or a new one as long as there is room. */
  function columnsFor(name: string): PoolColumns | undefined {
    let known = pools.get(name);
    if (!known && pools.size < POOLS_MAX) {
      known = { ...columnsOf(POOL_SERIES), seq: nextSeq };
      pools.set(name, known);
    }
    return known;
  }

  /** Of pools that are gone nothing is known; after 15 minutes others have their room. */
  function forgetPools(): void {
    for (const [name, known] of pools) {
      if (nextSeq - known.seq >= POINTS_MAX) pools.delete(name);
      else fill(known, nextSeq, NOTHING);
    }
  }

  function notePool(reading: PoolReadings): void {
    const known = columnsFor(reading.name);
    if (!known) return;
    known.seq = nextSeq;
    fill(known, nextSeq, reading);
  }

  function slotsAfter(seq: number | undefined, wallMs: number): number[] {
    const newest = nextSeq - 1;
    const oldest = Math.max(firstSeq, nextSeq - POINTS_MAX);
    let from = seq === undefined || seq > newest || seq < setBackSeq ? oldest : Math.max(oldest, seq + 1);
    while (from <= newest && (at[from % POINTS_MAX] as number) < wallMs - KEPT_MS) from++;
    return Array.from({ length: nextSeq - from }, (_, i) => (from + i) % POINTS_MAX);
  }

  return {
    note(atMs, wallMs, readings, poolReadings) {
      keepOrder(atMs, wallMs);
      const slot = nextSeq % POINTS_MAX;
      at[slot] = wallMs;
      for (const name of HISTORY_SERIES) columns[name][slot] = readings[name];
      forgetPools();
      poolReadings.forEach(notePool);
      lastMs = atMs;
      nextSeq++;
    },
    since(seq, wallMs) {
      const slots = slotsAfter(seq, wallMs);
      const told = (column: Float32Array): Series => slots.map((slot) => rounded(column[slot] as number));
      return {
        seq: nextSeq - 1,
        at: slots.map((slot) => Math.round(at[slot] as number)),
        series: Object.fromEntries(
          HISTORY_SERIES.map((name) => [name, told(columns[name])]),
        ) as History['series'],
        pools: [...pools].map(([name, { active, capacity, queued }]) => ({
          name,
          active: told(active),
          capacity: told(capacity),
          queued: told(queued),
        })),
      };
    },
    bytes() {
      const all = [at, ...Object.values(columns), ...[...pools.values()].flatMap(arraysOf)];
      return all.reduce((sum, { byteLength }) => sum + byteLength, 0);
    },
  };
}

const NOTHING = { active: Number.NaN, capacity: Number.NaN, queued: Number.NaN };

function fill(columns: Columns<PoolSeries>, seq: number, values: Readonly<Record<PoolSeries, number>>): void {
  for (const name of POOL_SERIES) columns[name][seq % POINTS_MAX] = values[name];
}

const arraysOf = ({ seq, ...series }: PoolColumns): Float32Array[] => Object.values(series);

/** To four digits, and no more than four decimals: a chart shows no more. */
function rounded(value: number): number | null {
  if (!Number.isFinite(value)) return null;
  const size = Math.floor(Math.log10(Math.abs(value)));
  if (size > 3) {
    const step = 10 ** (size - 3);
    return Math.round(value / step) * step;
  }
  const parts = 10 ** Math.min(4, 3 - size);
  return Math.round(value * parts) / parts;
}
