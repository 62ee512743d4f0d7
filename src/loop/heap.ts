import { totalmem } from 'node:os';
import { getHeapSpaceStatistics, getHeapStatistics } from 'node:v8';
import { isMainThread, resourceLimits } from 'node:worker_threads';
import { HEAP, HEAP_SPACES_MAX } from '../shared/layout.js';
import { locked, openWriter } from '../shared/regions.js';

const MIB = 2 ** 20;
/** An idle loop's pacer is no faster; a busy one's would be ten times. */
const EVERY_MS = 900;

/** Notes how full this thread's heap is. */
export interface HeapNotes {
  /**
   * To be called with each beat; looks once a second, for 2 to 7 µs. (`process.memoryUsage()` would read a
   * file besides, for what the sidecar reads itself.)
   */
  sample(nowMs: number): void;
  /** A full collection has just been: what is in use now has survived it, or came after. */
  collected(): void;
}

export function openHeapNotes(
  memory: SharedArrayBuffer,
  configuredBytes: number = limitOfThisThread(),
): HeapNotes {
  const { at, values, sequence } = openWriter('loop', HEAP, memory);
  let survivedBytes = 0;
  let lastMs = Number.NEGATIVE_INFINITY;

  function note(): void {
    const heap = getHeapStatistics();
    const spaces = getHeapSpaceStatistics();
    // Of what came after the collection the next of the young generation takes away what is garbage.
    survivedBytes = Math.min(survivedBytes, heap.used_heap_size);
    locked(sequence, () => {
      values[at.totalBytes] = heap.total_heap_size;
      values[at.usedBytes] = heap.used_heap_size;
      values[at.externalBytes] = heap.external_memory;
      values[at.limitBytes] = Math.min(configuredBytes, heap.heap_size_limit);
      values[at.survivedBytes] = survivedBytes;
      for (let i = 0; i < Math.min(spaces.length, HEAP_SPACES_MAX); i++) {
        const space = spaces[i] as (typeof spaces)[number];
        values[at.spaceTotalBytes + i] = space.space_size;
        values[at.spaceUsedBytes + i] = space.space_used_size;
        values[at.spaceAvailableBytes + i] = space.space_available_size;
      }
    });
  }

  return {
    sample(nowMs) {
      if (nowMs - lastMs < EVERY_MS) return;
      lastMs = nowMs;
      note();
    },
    collected() {
      survivedBytes = Number.POSITIVE_INFINITY;
      note();
    },
  };
}

/** What is set for all threads goes before what is set for one. */
function limitOfThisThread(): number {
  const { execArgv, env } = process;
  return configuredLimit(
    [env.NODE_OPTIONS, ...execArgv].join(' '),
    isMainThread ? undefined : resourceLimits.maxOldGenerationSizeMb,
  );
}

/**
 * The limit of the old generation as somebody has set it, in bytes. V8's `heap_size_limit` has room for the
 * young generation on top, 48 MiB on Node.js 20 and 22, 192 on 24: with `--max-old-space-size=64` that ended
 * the process when a quarter of it was in use. Where nobody has, the young one is a twentieth at most.
 */
export function configuredLimit(
  flags: string,
  ownMib: number | undefined,
  memoryMib: () => number = memoryOfThisProcess,
): number {
  const latest = (flag: RegExp): string | undefined => [...flags.matchAll(flag)].at(-1)?.[1];
  // To Node.js it goes before the flag in MiB.
  const percentage = Number(latest(/--max-old-space-size-percentage[= ]"?(\d+(?:\.\d+)?)/g) ?? 0);
  const flagMib =
    Math.floor((memoryMib() * percentage) / 100) || latest(/--max[-_]old[-_]space[-_]size[= ]"?(\d+)/g);
  return Number(flagMib ?? ownMib ?? Number.POSITIVE_INFINITY) * MIB || Number.POSITIVE_INFINITY;
}

/** What percentages are of: the container's memory, or the machine's. */
const memoryOfThisProcess = (): number =>
  Math.floor(Math.min(process.constrainedMemory() || Number.POSITIVE_INFINITY, totalmem()) / MIB);
