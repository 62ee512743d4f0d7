import { show } from '../options/show.js';
import { POOL, POOL_LEDGER, POOL_NUMBERS } from '../shared/layout.js';
import type { PoolEntry } from '../shared/protocol.js';
import { allocate, beginWrite, endWrite, locked, openWriter, type RegionWriter } from '../shared/regions.js';
import type { PoolPressure } from '../types.js';
import { reasonOf, warn } from '../warn.js';
import type { PoolReader, PoolReading, ThreadsReading } from './reader.js';
import { openSlowNotes, type SlowNotes } from './slow-notes.js';

type PoolRegion = RegionWriter<(typeof POOL)['fields']>;

/** One pool under watch, and its memory. */
export interface Pool {
  entry: PoolEntry;
  readonly reader: PoolReader;
  readonly region: PoolRegion;
  readonly slowNotes: SlowNotes | undefined;
  warned: boolean;
  /** It was closed: it has no series until it is used again. */
  closed: boolean;
}

export function openPool(
  id: number,
  { name, slowTask }: { readonly name: string; readonly slowTask: number | undefined },
  reader: PoolReader,
): Pool {
  const memory = allocate(POOL);
  const ledger = allocate(POOL_LEDGER);
  const slowNotes = slowTask === undefined ? undefined : openSlowNotes(slowTask, reader.byDefault, ledger);
  const entry: PoolEntry = {
    id,
    name,
    memory,
    ledger,
    threads: undefined,
    threadsVersion: 0,
    times: reader.times,
    slow: slowNotes?.watch(),
  };
  return { entry, reader, region: openWriter('main', POOL, memory), slowNotes, warned: false, closed: false };
}

/**
 * Reads it into shared memory.
 * @returns whether the sidecar must be told: its threads have changed, a task has a new name, or it is used again
 */
export function samplePool(pool: Pool, nowMs: number, countFault: () => void): boolean {
  const reading = read(pool, countFault);
  locked(pool.region.sequence, () => write(pool, reading, nowMs));
  const { threads, version } = reading?.inside ?? {};
  const changed = version !== undefined && version !== pool.entry.threadsVersion;
  if (changed) pool.entry = { ...pool.entry, threads, threadsVersion: version };
  const slow = pool.slowNotes?.watch();
  const named = slow !== pool.entry.slow;
  if (named) pool.entry = { ...pool.entry, slow };
  const back = pool.closed && (reading?.threads ?? 0) > 0;
  if (back) pool.closed = false;
  return ((changed || named) && !pool.closed) || back;
}

/** What comes in a burst must be known when the next turn freezes. */
export function glanceAt({ reader, region: { at, values, sequence } }: Pool): void {
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

/** As it was last read. */
export function pressureOf({ region: { at, values } }: Pool): PoolPressure {
  return {
    active: values[at.active] as number,
    capacity: values[at.capacity] as number,
    queued: values[at.queueSize] as number,
  };
}

/** @returns `undefined` if the pool cannot be read */
function read(pool: Pool, countFault: () => void): PoolReading | undefined {
  try {
    return pool.reader.read();
  } catch (error) {
    countFault();
    const name = show(pool.entry.name);
    // Once: watchdog_collector_errors_total tells of the rest.
    if (!pool.warned) warn(`The pool ${name} cannot be read: ${reasonOf(error)}`, 'WATCHDOG_POOL_UNREADABLE');
    pool.warned = true;
    return undefined;
  }
}

function write({ region, reader, slowNotes }: Pool, reading: PoolReading | undefined, nowMs: number): void {
  const { at, values } = region;
  if (reading) values[at.snapshotAtMs] = nowMs;
  for (const name of POOL_NUMBERS) values[at[name]] = reading?.[name] ?? Number.NaN;
  values[at.requests] = reader.glance?.requests() ?? Number.NaN;
  values[at.threadsVersion] = -1;
  values[at.tasksPerThread] = Number.NaN;
  values[at.abortable] = 0;
  if (!reading?.inside) return;
  writeThreads(region, reading.inside);
  slowNotes?.write(region, reading.inside);
}

function writeThreads({ at, values }: PoolRegion, inside: ThreadsReading): void {
  values[at.threadsVersion] = inside.version;
  values[at.removed] = inside.removed;
  values[at.tasksPerThread] = inside.tasksPerThread;
  values[at.abortable] = inside.abortable ? 1 : 0;
  inside.notes.forEach((note, i) => {
    values[at.settled + i] = note.settled;
    values[at.tasks + i] = note.tasks;
    values[at.oldestAtMs + i] = note.oldestAtMs;
    values[at.filled + i] = note.filled ? 1 : 0;
    values[at.booting + i] = note.booting ? 1 : 0;
  });
}
