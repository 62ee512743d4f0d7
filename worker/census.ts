import { readdirSync } from 'node:fs';

/** Who of this process' threads has ended while main could not take note. */
export interface Census {
  /**
   * @param turn the number of main's turn in progress: what ended before it began main knows of
   * @returns whether a thread has ended since
   */
  look(turn: number): boolean;
  /** A thread of our own has ended: it is not one of the app's. */
  excuse(): void;
}

function threadsNow(): readonly string[] {
  try {
    return readdirSync('/proc/self/task');
  } catch {
    // Not Linux, or hidden: then nobody is seen to end.
    return [];
  }
}

/** Nobody tells which thread of Node.js is which of the system's: only that one is gone can be seen, not whose. */
export function openCensus(list: () => readonly string[] = threadsNow): Census {
  /** Those seen in this turn; of the look before it, too, for one may have ended early in the turn. */
  let seen = new Set<string>();
  let last: readonly string[] = [];
  let lastTurn: number | undefined;
  let excused = 0;
  return {
    look(turn) {
      const now = list();
      if (turn !== lastTurn) {
        seen = new Set(last);
        excused = 0;
        lastTurn = turn;
      }
      for (const thread of now) seen.add(thread);
      last = now;
      return now.length > 0 && seen.size - now.length > excused;
    },
    excuse() {
      excused++;
    },
  };
}
