import { threadIds } from './thread.js';

/** Whether threads of this process have ended of which main cannot have heard. */
export interface Census {
  /**
   * @param frozen main is late
   * @param removed threads of pools that main knows to be gone, so far
   */
  sample(frozen: boolean, removed: number): boolean;
  /** A thread of our own has ended: it is not one of the app's. */
  excuse(): void;
}

/**
 * A thread that main ends goes within some milliseconds: over so many samples while main turned nothing is
 * under way.
 */
const CALM_SAMPLES = 10;

/**
 * Nobody tells which thread of Node.js is which of the system's: only that one is gone can be seen, not
 * whose. So those gone are counted against those that main has removed from its pools.
 */
export function openCensus(list: () => readonly string[] = threadIds): Census {
  let last: readonly string[] = [];
  let lastRemoved = 0;
  /** Gone without main's doing. Grows by threads that are of no pool, too. */
  let unexplained = 0;
  let calm: readonly number[] = [];
  return {
    sample(frozen, removed) {
      const now = new Set(list());
      const gone = last.filter((thread) => !now.has(thread)).length;
      // Less than before: a pool is not watched any more.
      unexplained += gone - Math.max(0, removed - lastRemoved);
      last = [...now];
      lastRemoved = removed;
      if (!frozen || calm.length === 0) calm = [...calm, unexplained].slice(-CALM_SAMPLES);
      return unexplained > Math.max(...calm);
    },
    excuse() {
      unexplained--;
    },
  };
}
