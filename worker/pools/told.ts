import type { POOL_LEDGER } from '../../src/shared/layout.js';
import { POOL_THREADS_MAX } from '../../src/shared/layout.js';
import type { Ledger } from '../counters.js';

/**
 * Which of a pool's tasks are told. Those of a thread are told in the order in which it was handed them, so a
 * moment for each will do; it is kept where the sidecar's successor finds it, and main, whose notes follow.
 */
export interface Told {
  /** The threads that there are, in the order of main's notes. */
  follow(threadIds: readonly (number | undefined)[]): void;
  /** What the thread was handed until then is told. */
  untilMs(threadId: number): number;
  /** Counts one, which it was handed then. */
  add(threadId: number, startMs: number): void;
}

export function openTold(ledger: Ledger<(typeof POOL_LEDGER)['fields']>): Told {
  const until = new Map<number, number>();
  let places: readonly (number | undefined)[] = [];
  for (let i = 0; i < POOL_THREADS_MAX; i++) {
    const threadId = ledger.get('toldThread', i);
    if (threadId > 0) until.set(threadId, ledger.get('toldUntilMs', i));
  }

  function write(place: number): void {
    const threadId = places[place];
    const momentMs = threadId === undefined ? undefined : until.get(threadId);
    // For a moment nobody's: main must not take one thread's moment for another's.
    ledger.set('toldThread', 0, place);
    if (threadId === undefined || momentMs === undefined) return;
    ledger.set('toldUntilMs', momentMs, place);
    ledger.set('toldThread', threadId, place);
  }

  return {
    follow(threadIds) {
      const before = places.length;
      places = threadIds;
      for (const threadId of until.keys()) if (!places.includes(threadId)) until.delete(threadId);
      for (let place = 0; place < Math.max(before, places.length); place++) write(place);
    },
    untilMs: (threadId) => until.get(threadId) ?? Number.NEGATIVE_INFINITY,
    add(threadId, startMs) {
      ledger.add('slowTasks', 1);
      until.set(threadId, Math.max(startMs, until.get(threadId) ?? startMs));
      const place = places.indexOf(threadId);
      if (place >= 0) write(place);
    },
  };
}
