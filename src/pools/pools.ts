import { WatchdogError } from '../errors.js';
import { checkName } from '../options/names.js';
import { show, typeOf } from '../options/show.js';
import { POOLS_MAX, PROCESS_STATE } from '../shared/layout.js';
import type { PoolEntry } from '../shared/protocol.js';
import { locked, openWriter } from '../shared/regions.js';
import type { PoolPressure, Pressure } from '../types.js';
import { warn } from '../warn.js';
import { readPiscina } from './piscina.js';
import { glanceAt, openPool, type Pool, pressureOf, samplePool } from './pool.js';
import type { PoolEvents, PoolReader } from './reader.js';
import { readSampler } from './sampler.js';
import { checkSettings } from './settings.js';
import type { PiscinaLike, PoolOptions, PoolSampler } from './types.js';

/** Pools are read up to so many times a second; */
const SAMPLES_A_SECOND = 20;
/** on a loop that turns seldom, at the end of each turn, and else in this rhythm. */
const SAMPLE_EVERY_MS = 1000 / SAMPLES_A_SECOND;
/**
 * Turns shorter than this are too many to glance at each pool after each: handing out a task takes some 10
 * µs.
 */
const GLANCE_EVERY_MS = 0.1;

const WARNING = 'WATCHDOG_POOL_UNREADABLE';

export interface PoolsOptions {
  readonly processState: SharedArrayBuffer;
  /** A pool came, or its set of threads changed. */
  readonly onEntry: (entry: PoolEntry) => void;
  readonly onRemove: (id: number) => void;
  readonly clock: () => number;
}

/** The pools under watch. */
export interface Pools {
  watch(first: PiscinaLike | string, second: string | PoolSampler, settings?: PoolOptions): () => void;
  /**
   * At the end of a turn of the loop: reads every pool into shared memory, if it is time, or else what
   * changes fast.
   */
  onTurn(nowMs: number, counted: boolean): void;
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
  const countFault = openFaultCounter(options.processState);
  const onTurn = createRhythm({
    sample: (nowMs) => {
      for (const pool of pools.values()) sample(pool, nowMs);
    },
    glance: () => {
      for (const pool of pools.values()) glanceAt(pool);
    },
  });
  let lastId = 0;

  function sample(pool: Pool, nowMs: number): void {
    if (samplePool(pool, nowMs, countFault)) options.onEntry(pool.entry);
  }

  function remove(pool: Pool): void {
    const { id } = pool.entry;
    if (!pools.delete(id)) return;
    pool.reader.stop();
    options.onRemove(id);
  }

  function add({ name, slowTask, makeReader }: Asked): () => void {
    checkName('pool', name);
    makeRoom([...pools.values()], name, remove);
    const id = ++lastId;
    const reader = makeReader({
      onThreads: () => pools.has(id) && sample(pool, options.clock()),
      onClose() {
        if (!pools.has(id)) return;
        pool.closed = true;
        options.onRemove(id);
      },
    });
    const pool = openPool(id, { name, slowTask }, reader);
    pools.set(id, pool);
    samplePool(pool, options.clock(), countFault);
    if (pool.slowNotes && !pool.entry.threads && !pool.warned)
      warn(
        `The threads of the pool ${show(name)} cannot be seen: none of its tasks is told as slow.`,
        WARNING,
      );
    options.onEntry(pool.entry);
    return () => remove(pool);
  }

  const open = (): Pool[] => [...pools.values()].filter((pool) => !pool.closed);
  return {
    watch: (first, second, settings) => add(asked(first, second, settings)),
    onTurn,
    entries: () => open().map((pool) => pool.entry),
    size: () => pools.size,
    pressure() {
      // Without a prototype: a pool may be called "__proto__".
      const all: Record<string, PoolPressure> = Object.create(null);
      for (const pool of open()) all[pool.entry.name] = pressureOf(pool);
      return all;
    },
    close() {
      for (const pool of [...pools.values()]) remove(pool);
    },
  };
}

/** Tells at the end of a turn whether it is time to read every pool, or what changes fast, or neither. */
function createRhythm(act: { sample(nowMs: number): void; glance(): void }): Pools['onTurn'] {
  let nextSampleMs = 0;
  let nextGlanceMs = 0;
  return (nowMs, counted) => {
    if (nowMs < nextGlanceMs) return;
    nextGlanceMs = nowMs + GLANCE_EVERY_MS;
    // Rounds of the loop that are ours alone would use up what is due to the app's turns.
    if (!counted || nowMs < nextSampleMs) {
      act.glance();
      return;
    }
    nextSampleMs = Math.max(nextSampleMs, nowMs - 1000) + SAMPLE_EVERY_MS;
    act.sample(nowMs);
  };
}

function openFaultCounter(memory: SharedArrayBuffer): () => void {
  const { at, values, sequence } = openWriter('main', PROCESS_STATE, memory);
  return () =>
    locked(sequence, () => {
      values[at.poolErrors] = (values[at.poolErrors] ?? 0) + 1;
    });
}

/**
 * Removes what was closed and is in the way of one more.
 * @throws WatchdogError if the name is taken, or there are too many
 */
function makeRoom(all: readonly Pool[], name: string, remove: (pool: Pool) => void): void {
  const holder = all.find((pool) => pool.entry.name === name);
  if (holder && !holder.reader.ended()) {
    throw new WatchdogError(
      'ERR_WATCHDOG_DUPLICATE_POOL',
      `A pool named ${show(name)} is watched already; names must be unique.`,
    );
  }
  if (holder) remove(holder);
  const others = all.filter((pool) => pool !== holder);
  const closed = others.filter((pool) => pool.closed);
  if (others.length - closed.length >= POOLS_MAX) {
    throw new WatchdogError(
      'ERR_WATCHDOG_TOO_MANY_POOLS',
      `At most ${POOLS_MAX} pools can be watched; ${show(name)} would be one more.`,
    );
  }
  // One that was closed is forgotten when it takes another's place.
  if (others.length >= POOLS_MAX) remove(closed[0] as Pool);
}

/** What `watchPool` was asked for. */
interface Asked extends PoolOptions {
  readonly name: string;
  readonly makeReader: (events: PoolEvents) => PoolReader;
}

function asked(first: PiscinaLike | string, second: string | PoolSampler, settings: unknown): Asked {
  if (typeof first === 'string' && typeof second === 'function')
    return { ...checkSettings(settings, 'sampler'), name: first, makeReader: () => readSampler(second) };
  if (isPiscina(first) && typeof second === 'string') {
    const makeReader = (events: PoolEvents): PoolReader => readPiscina(first, events);
    return { ...checkSettings(settings, 'piscina'), name: second, makeReader };
  }
  throw new WatchdogError(
    'ERR_WATCHDOG_INVALID_ARGUMENT',
    'watchPool takes (piscina, name) with a Piscina pool of version 4 or 5, or (name, sampler) with a ' +
      `function, but was given (${typeOf(first)}, ${typeOf(second)}).`,
  );
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
