import { WatchdogError } from './errors.js';
import { checkName } from './names.js';
import { show, typeOf } from './options.js';
import {
  type PoolEvents,
  type PoolReader,
  type PoolReading,
  readPiscina,
  readSampler,
} from './poolreaders.js';
import {
  allocate,
  HOUSE,
  locked,
  openWriter,
  POOL,
  POOL_LEDGER,
  POOLS_MAX,
  type RegionWriter,
} from './shared/layout.js';
import type { PoolEntry } from './shared/protocol.js';
import type { PiscinaLike, PoolPressure, PoolSampler, Pressure } from './types.js';
import { reasonOf, warn } from './warn.js';

interface Pool {
  readonly entry: PoolEntry;
  readonly reader: PoolReader;
  readonly region: RegionWriter<(typeof POOL)['fields']>;
  warned: boolean;
}

export interface PoolsOptions {
  readonly house: SharedArrayBuffer;
  /** A pool came, or its set of threads changed. */
  readonly onEntry: (entry: PoolEntry) => void;
  readonly onRemove: (id: number) => void;
  readonly clock: () => number;
}

/** The pools under watch. */
export interface Pools {
  watch(first: PiscinaLike | string, second: string | PoolSampler): () => void;
  /** Reads every pool into shared memory. */
  sample(nowMs: number): void;
  entries(): readonly PoolEntry[];
  /** Each by its name, as it was last read. */
  pressure(): Pressure['pools'];
  close(): void;
}

export function createPools(options: PoolsOptions): Pools {
  const pools = new Map<number, Pool>();
  const house = openWriter('main', HOUSE, options.house);
  let lastId = 0;

  function sampleOne(pool: Pool, nowMs: number): void {
    let reading: PoolReading | undefined;
    try {
      reading = pool.reader.read(nowMs);
    } catch (error) {
      locked(house.sequence, () => {
        house.values[house.at.poolErrors] = (house.values[house.at.poolErrors] ?? 0) + 1;
      });
      if (!pool.warned) {
        pool.warned = true;
        warn(
          `The pool ${show(pool.entry.name)} cannot be read: ${reasonOf(error)}`,
          'WATCHDOG_POOL_UNREADABLE',
        );
      }
    }
    const { at, values, sequence } = pool.region;
    locked(sequence, () => {
      if (reading) values[at.snapshotAtMs] = nowMs;
      values[at.capacity] = reading?.capacity ?? Number.NaN;
      values[at.active] = reading?.active ?? Number.NaN;
      values[at.queueSize] = reading?.queueSize ?? Number.NaN;
      values[at.queueLimit] = reading?.queueLimit ?? Number.NaN;
      values[at.threads] = reading?.threads ?? Number.NaN;
      values[at.completed] = reading?.completed ?? Number.NaN;
      values[at.runMs] = reading?.runMs ?? Number.NaN;
      values[at.runCount] = reading?.runCount ?? Number.NaN;
      values[at.waitMs] = reading?.waitMs ?? Number.NaN;
      values[at.waitCount] = reading?.waitCount ?? Number.NaN;
      values[at.threadsVersion] = reading?.threadsVersion ?? -1;
      values[at.completedBase] = reading?.completedBase ?? Number.NaN;
    });
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
      onThreads(threads, threadsVersion) {
        const pool = pools.get(id);
        if (!pool) return;
        const entry = { ...pool.entry, threads, threadsVersion };
        pools.set(id, { ...pool, entry });
        options.onEntry(entry);
      },
      onClose: () => remove(id),
    });
    const entry: PoolEntry = {
      id,
      name,
      memory,
      ledger: allocate(POOL_LEDGER),
      threads: undefined,
      threadsVersion: 0,
    };
    const pool: Pool = { entry, reader, region: openWriter('main', POOL, memory), warned: false };
    pools.set(id, pool);
    sampleOne(pool, options.clock());
    options.onEntry(entry);
    return () => remove(id);
  }

  function checkNewName(name: unknown): string {
    checkName('pool', name);
    if ([...pools.values()].some((pool) => pool.entry.name === name)) {
      throw new WatchdogError(
        'ERR_WATCHDOG_DUPLICATE_POOL',
        `A pool named ${show(name)} is watched already; names must be unique.`,
      );
    }
    if (pools.size >= POOLS_MAX) {
      throw new WatchdogError(
        'ERR_WATCHDOG_TOO_MANY_POOLS',
        `At most ${POOLS_MAX} pools can be watched; ${show(name)} would be one more.`,
      );
    }
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
    sample(nowMs) {
      for (const pool of pools.values()) sampleOne(pool, nowMs);
    },
    entries: () => [...pools.values()].map((pool) => pool.entry),
    pressure() {
      // Without a prototype: a pool may be called "__proto__".
      const all: Record<string, PoolPressure> = Object.create(null);
      for (const { entry, region } of pools.values()) {
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
