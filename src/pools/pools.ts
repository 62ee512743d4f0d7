import { WatchdogError } from '../errors.js';
import { checkName } from '../options/names.js';
import { show, typeOf } from '../options/show.js';
import {
  allocate,
  beginWrite,
  endWrite,
  locked,
  openWriter,
  POOL,
  POOL_LEDGER,
  POOLS_MAX,
  PROCESS_STATE,
  type RegionWriter,
} from '../shared/layout.js';
import type { PoolEntry } from '../shared/protocol.js';
import type { PiscinaLike, PoolPressure, PoolSampler, Pressure } from '../types.js';
import { reasonOf, warn } from '../warn.js';
import { type PoolEvents, type PoolReader, type PoolReading, readPiscina, readSampler } from './reader.js';

/** Pools are read up to so many times a second; */
const SAMPLES_A_SECOND = 20;
/** on a loop that turns seldom, at the end of each turn, and else in this rhythm. */
const SAMPLE_EVERY_MS = 1000 / SAMPLES_A_SECOND;
/** Turns shorter than this are too many to look at each pool after each: handing out a task takes some 10 µs. */
const GLANCE_EVERY_MS = 0.1;

interface Pool {
  entry: PoolEntry;
  readonly reader: PoolReader;
  readonly region: RegionWriter<(typeof POOL)['fields']>;
  warned: boolean;
  /** It was closed: it has no series until it is used again. */
  closed: boolean;
}

export interface PoolsOptions {
  readonly processState: SharedArrayBuffer;
  /** A pool came, or its set of threads changed. */
  readonly onEntry: (entry: PoolEntry) => void;
  readonly onRemove: (id: number) => void;
  readonly clock: () => number;
}

/** The pools under watch. */
export interface Pools {
  watch(first: PiscinaLike | string, second: string | PoolSampler): () => void;
  /** At the end of a turn of the loop: reads every pool into shared memory, if it is time, or else what changes fast. */
  onTurn(nowMs: number): void;
  /** Those that have series. */
  entries(): readonly PoolEntry[];
  /** How many are to be read, closed ones among them. */
  size(): number;
  /** Each by its name, as it was last read. */
  pressure(): Pressure['pools'];
  close(): void;
}

export function createPools(options: PoolsOptions): Pools {
  const pools = new Map<number, Pool>();
  const processState = openWriter('main', PROCESS_STATE, options.processState);
  let lastId = 0;
  let nextSampleMs = 0;
  let nextGlanceMs = 0;

  /** @returns `undefined` if the pool cannot be read */
  function read({ reader }: Pool, failed: (error: unknown) => void): PoolReading | undefined {
    try {
      return reader.read();
    } catch (error) {
      failed(error);
      return undefined;
    }
  }

  function sampleOne(pool: Pool, nowMs: number): void {
    const reading = read(pool, (error) => {
      locked(processState.sequence, () => {
        processState.values[processState.at.poolErrors] =
          (processState.values[processState.at.poolErrors] ?? 0) + 1;
      });
      if (pool.warned) return;
      pool.warned = true;
      warn(
        `The pool ${show(pool.entry.name)} cannot be read: ${reasonOf(error)}`,
        'WATCHDOG_POOL_UNREADABLE',
      );
    });
    locked(pool.region.sequence, () => write(pool, reading, nowMs));
    const { counters, version } = reading?.inside ?? {};
    const changed = version !== undefined && version !== pool.entry.threadsVersion;
    if (changed) pool.entry = { ...pool.entry, threads: counters, threadsVersion: version };
    const back = pool.closed && (reading?.threads ?? 0) > 0;
    if (back) pool.closed = false;
    if ((changed && !pool.closed) || back) options.onEntry(pool.entry);
  }

  function write(
    { region: { at, values }, reader }: Pool,
    reading: PoolReading | undefined,
    nowMs: number,
  ): void {
    const inside = reading?.inside;
    if (reading) values[at.snapshotAtMs] = nowMs;
    values[at.capacity] = reading?.capacity ?? Number.NaN;
    values[at.active] = reading?.active ?? Number.NaN;
    values[at.queueSize] = reading?.queueSize ?? Number.NaN;
    values[at.queueLimit] = reading?.queueLimit ?? Number.NaN;
    values[at.threads] = reading?.threads ?? Number.NaN;
    values[at.completed] = reading?.completed ?? Number.NaN;
    values[at.threadsVersion] = inside?.version ?? -1;
    values[at.removed] = inside?.removed ?? (values[at.removed] as number);
    values[at.requests] = reader.glance?.requests() ?? Number.NaN;
    values[at.tasksPerThread] = inside?.tasksPerThread ?? Number.NaN;
    values[at.abortable] = inside?.abortable ? 1 : 0;
    inside?.notes.forEach((note, i) => {
      values[at.settled + i] = note.settled;
      values[at.tasks + i] = note.tasks;
      values[at.oldestAtMs + i] = note.oldestAtMs;
      values[at.filled + i] = note.filled ? 1 : 0;
      values[at.booting + i] = note.booting ? 1 : 0;
    });
  }

  /** What comes in a burst must be known when the next turn freezes. */
  function glance({ reader, region: { at, values, sequence } }: Pool): void {
    if (!reader.glance || values[at.threadsVersion] === -1) return;
    let queueSize: number;
    try {
      queueSize = reader.glance.queueSize();
    } catch {
      return; // The next sample finds it, and tells of it.
    }
    const requests = reader.glance.requests();
    if (queueSize === values[at.queueSize] && requests === values[at.requests]) return;
    beginWrite(sequence);
    values[at.queueSize] = queueSize;
    values[at.requests] = requests;
    endWrite(sequence);
  }

  function remove(id: number): void {
    const pool = pools.get(id);
    if (!pool) return;
    pools.delete(id);
    pool.reader.stop();
    options.onRemove(id);
  }

  function add(name: string, makeReader: (events: PoolEvents) => PoolReader): () => void {
    const id = ++lastId;
    const memory = allocate(POOL);
    const reader = makeReader({
      onThreads: () => pools.has(id) && sampleOne(pool, options.clock()),
      onClose() {
        if (!pools.has(id)) return;
        pool.closed = true;
        options.onRemove(id);
      },
    });
    const entry: PoolEntry = {
      id,
      name,
      memory,
      ledger: allocate(POOL_LEDGER),
      threads: undefined,
      threadsVersion: 0,
      times: reader.times,
    };
    const region = openWriter('main', POOL, memory);
    const pool: Pool = { entry, reader, region, warned: false, closed: false };
    pools.set(id, pool);
    sampleOne(pool, options.clock());
    if (pool.entry === entry) options.onEntry(entry);
    return () => remove(id);
  }

  function checkNewName(name: unknown): string {
    checkName('pool', name);
    const holder = [...pools.values()].find((pool) => pool.entry.name === name);
    if (holder && !holder.reader.ended()) {
      throw new WatchdogError(
        'ERR_WATCHDOG_DUPLICATE_POOL',
        `A pool named ${show(name)} is watched already; names must be unique.`,
      );
    }
    if (holder) remove(holder.entry.id);
    const all = [...pools.values()];
    if (all.filter((pool) => !pool.closed).length >= POOLS_MAX) {
      throw new WatchdogError(
        'ERR_WATCHDOG_TOO_MANY_POOLS',
        `At most ${POOLS_MAX} pools can be watched; ${show(name)} would be one more.`,
      );
    }
    // One that was closed is forgotten when it takes another's place.
    if (all.length >= POOLS_MAX) remove((all.find((pool) => pool.closed) as Pool).entry.id);
    return name;
  }

  return {
    watch(first, second) {
      if (typeof first === 'string' && typeof second === 'function') {
        return add(checkNewName(first), () => readSampler(second));
      }
      if (isPiscina(first) && typeof second === 'string') {
        return add(checkNewName(second), (events) => readPiscina(first, events));
      }
      throw new WatchdogError(
        'ERR_WATCHDOG_INVALID_ARGUMENT',
        'watchPool takes (piscina, name) with a Piscina pool of version 4 or 5, or (name, sampler) with a ' +
          `function, but was given (${typeOf(first)}, ${typeOf(second)}).`,
      );
    },
    onTurn(nowMs) {
      if (nowMs < nextGlanceMs) return;
      nextGlanceMs = nowMs + GLANCE_EVERY_MS;
      if (nowMs < nextSampleMs) {
        for (const pool of pools.values()) glance(pool);
        return;
      }
      nextSampleMs = Math.max(nextSampleMs, nowMs - 1000) + SAMPLE_EVERY_MS;
      for (const pool of pools.values()) sampleOne(pool, nowMs);
    },
    entries: () => [...pools.values()].filter((pool) => !pool.closed).map((pool) => pool.entry),
    size: () => pools.size,
    pressure() {
      // Without a prototype: a pool may be called "__proto__".
      const all: Record<string, PoolPressure> = Object.create(null);
      for (const { entry, region, closed } of pools.values()) {
        if (closed) continue;
        const { at, values } = region;
        all[entry.name] = {
          active: values[at.active] as number,
          capacity: values[at.capacity] as number,
          queued: values[at.queueSize] as number,
        };
      }
      return all;
    },
    close() {
      for (const id of [...pools.keys()]) remove(id);
    },
  };
}

function isPiscina(value: unknown): value is PiscinaLike {
  if (typeof value !== 'object' || value === null) return false;
  const pool = value as PiscinaLike;
  return (
    typeof pool.on === 'function' &&
    typeof pool.queueSize === 'number' &&
    Array.isArray(pool.threads) &&
    typeof pool.options?.maxThreads === 'number'
  );
}
