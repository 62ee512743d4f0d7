import { getHeapSpaceStatistics, getHeapStatistics } from 'node:v8';
import { isMainThread, resourceLimits } from 'node:worker_threads';
import { HEAP, HEAP_SPACES_MAX } from '../shared/layout.js';
import { locked, openWriter } from '../shared/regions.js';

const MIB = 2 ** 20;

/** Notes how full this thread's heap is. */
export interface HeapNotes {
  /** To be called now and then; 1.5 µs (`process.memoryUsage()` reads a file for the rest, which takes 8). */
  sample(): void;
  /** A full collection has just been: what is in use now has survived it, or came after. */
  collected(): void;
}

export function openHeapNotes(
  memory: SharedArrayBuffer,
  configuredBytes: number = limitOfThisThread(),
): HeapNotes {
  const { at, values, sequence } = openWriter('loop', HEAP, memory);
  let survivedBytes = 0;

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
    sample: note,
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
export function configuredLimit(flags: string, ownMib: number | undefined): number {
  const [, flagMib] = [...flags.matchAll(/--max[-_]old[-_]space[-_]size[= ]"?(\d+)/g)].at(-1) ?? [];
  return Number(flagMib ?? ownMib ?? Number.POSITIVE_INFINITY) * MIB || Number.POSITIVE_INFINITY;
}
