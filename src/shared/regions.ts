import {
  type Fields,
  LAYOUT_VERSION,
  LOOP_REGIONS,
  type LoopMemory,
  type Region,
  type Values,
  type Writer,
} from './layout.js';

/** Bytes before the first value: Int32 sequence, Int32 layout version. */
const HEADER_BYTES = 8;

/** Memory for one region, zeroed but for the version. */
export function allocate(one: Region<Writer, Fields>): SharedArrayBuffer {
  const memory = new SharedArrayBuffer(HEADER_BYTES + one.length * Float64Array.BYTES_PER_ELEMENT);
  new Int32Array(memory, 0, 2)[1] = LAYOUT_VERSION;
  return memory;
}

export function allocateLoop(): LoopMemory {
  const all = Object.entries(LOOP_REGIONS).map(([name, one]) => [name, allocate(one)]);
  return Object.fromEntries(all) as LoopMemory;
}

/** The writer's hold on a region; `W` keeps a thread from opening what is not its own to write. */
export interface RegionWriter<F extends Fields> {
  readonly at: { readonly [K in keyof F]: number };
  readonly values: Float64Array;
  /**
   * First element: the seqlock. Readers see no writes but those between {@link beginWrite} and {@link
   * endWrite}.
   */
  readonly sequence: Int32Array;
}

export function openWriter<W extends Writer, F extends Fields>(
  _as: W,
  one: Region<W, F>,
  memory: SharedArrayBuffer,
): RegionWriter<F> {
  return { at: one.at, values: valuesOf(one, memory), sequence: new Int32Array(memory, 0, 2) };
}

/** Single numbers of a region, each as it is when it is read: for one who needs no two of the same moment. */
export function openView<F extends Fields>(
  one: Region<Writer, F>,
  memory: SharedArrayBuffer,
): { readonly at: Region<Writer, F>['at']; readonly values: Readonly<Float64Array> } {
  return { at: one.at, values: valuesOf(one, memory) };
}

/**
 * Closes a region to its readers. The order of events: sequence odd, values, sequence even. On weakly ordered
 * CPUs (ARM64) the store half of the addition may be seen after plain stores that follow it, and a reader
 * would take a torn copy for whole; not if a sequentially consistent load stands between them: it comes after
 * that store, and before what follows.
 */
export function beginWrite(sequence: Int32Array): void {
  Atomics.add(sequence, 0, 1);
  Atomics.load(sequence, 0);
}

/** Opens it again: what was stored before the addition is seen before it. */
export function endWrite(sequence: Int32Array): void {
  Atomics.add(sequence, 0, 1);
}

/** Runs `write` while the region is closed. */
export function locked(sequence: Int32Array, write: () => void): void {
  beginWrite(sequence);
  try {
    write();
  } finally {
    endWrite(sequence);
  }
}

/**
 * Tries before a reader settles for its last good copy. A writer is inside for some 100 ns of a turn; a
 * writer that lost its CPU while inside may stay there for long, and must not keep the reader spinning.
 */
const READ_TRIES = 1000;

/**
 * Returns a function that reads all of a region at one moment: the same object until something is written.
 */
export function openReader<F extends Fields>(
  one: Region<Writer, F>,
  memory: SharedArrayBuffer,
): () => Values<F> {
  const sequence = new Int32Array(memory, 0, 2);
  if (sequence[1] !== LAYOUT_VERSION) {
    throw new Error('shared memory of another version of event-loop-watchdog');
  }
  const values = valuesOf(one, memory);
  const copy = new Float64Array(one.length);
  const unpack = openUnpacker(one);
  let good = unpack(copy);
  let goodSequence: number | undefined;
  return () => {
    for (let tries = 0; tries < READ_TRIES; tries++) {
      const before = Atomics.load(sequence, 0);
      if (before === goodSequence) break;
      if (before & 1) continue;
      copy.set(values);
      // The order of events: sequence, values, sequence again. A plain atomic load would let the reads of the
      // values sink below it on weakly ordered CPUs; a read-modify-write that adds nothing does not.
      if (Atomics.add(sequence, 0, 0) === before) {
        good = unpack(copy);
        goodSequence = before;
        break;
      }
    }
    return good;
  };
}

function valuesOf(one: Region<Writer, Fields>, memory: SharedArrayBuffer): Float64Array {
  return new Float64Array(memory, HEADER_BYTES, one.length);
}

/** Makes objects of a region's values. */
function openUnpacker<F extends Fields>(one: Region<Writer, F>): (from: Float64Array) => Values<F> {
  const fields = Object.entries(one.fields).map(([name, size]) => {
    const start = one.at[name as keyof F];
    return { name, size, start, end: start + size };
  });
  return (from) => {
    const values: Record<string, number | Float64Array> = {};
    for (const { name, size, start, end } of fields) {
      values[name] = size === 1 ? (from[start] ?? 0) : from.slice(start, end);
    }
    return values as Values<F>;
  };
}
