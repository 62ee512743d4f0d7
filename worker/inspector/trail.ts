import type { REFUSED, TERMINATED } from './conversation.js';
import type { Look } from './look.js';

/** What was seen, and whether `vm` has called what runs. */
export type TrailAnswer = (Look & { readonly inVm: boolean }) | typeof TERMINATED | typeof REFUSED;

/** Whether what was to end has ended, or is there still; `undefined`: that cannot be said yet. */
type Verdict = 'ended' | 'there' | undefined;

/** What was to end, and may be there still. */
export interface Trail {
  follow(answer: TrailAnswer): Verdict;
  /** What was seen last. */
  seen(): Look | undefined;
}

/** What was to end and is there still after so many looks will not end by itself. */
const STILL_THERE = 4;

/**
 * @param hasBegun whether a thread has begun since. Each time-out of `vm` has one until it is over, so a
 * script that is seen beside one may be another than that which was to end.
 */
export function createTrail(currentTurn: () => number, hasBegun: () => boolean): Trail {
  let turn = currentTurn();
  let seen: Look | undefined;
  let countSame = createStreak();

  function judge({ inVm, ...now }: Exclude<TrailAnswer, symbol>): Verdict {
    const before = seen;
    seen = now;
    if (!inVm) return 'ended';
    // Nobody knows the turn: not a number, twice.
    if (before !== undefined && !Object.is(before.turn, now.turn)) return 'ended';
    return hasBegun() ? undefined : 'there';
  }

  return {
    seen: () => seen,
    follow(answer) {
      // As long as V8 has a termination to deliver, it lets us run nothing, and says so in more ways than one.
      const isPending = typeof answer === 'symbol';
      if (currentTurn() !== turn) {
        if (!isPending) return 'ended';
        turn = currentTurn();
        seen = undefined;
        countSame = createStreak();
      }
      const verdict = isPending ? 'there' : judge(answer);
      if (verdict !== 'there') return verdict;
      // Else it was delivered meanwhile, and what is there now is counted anew.
      return countSame(isPending) === STILL_THERE ? 'there' : undefined;
    },
  };
}

/** Counts how often in a row it was told the same. */
function createStreak(): (said: boolean) => number {
  let before: boolean | undefined;
  let count = 0;
  return (said) => {
    count = said === before ? count + 1 : 1;
    before = said;
    return count;
  };
}
