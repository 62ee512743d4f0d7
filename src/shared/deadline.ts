import timers from 'node:timers';

const { setTimeout, clearTimeout, setImmediate, clearImmediate } = timers;

/** A deadline is waited for in so many parts. */
const PARTS = 10;

/**
 * Calls `onLate` when what was waited for has not come within `ms` milliseconds of this loop's turning. While
 * the loop is blocked or the process stopped, nothing can come: of that, one part counts at most. And a timer
 * is found expired before mail is read, in the poll phase; the check phase comes after it.
 * @param hold whether the thread is kept alive meanwhile
 * @returns a function that ends the waiting
 */
export function startDeadline(ms: number, hold: boolean, onLate: () => void): () => void {
  let left = PARTS;
  let immediate: NodeJS.Immediate | undefined;
  const timer = setTimeout(() => {
    immediate = setImmediate(() => {
      if (--left > 0) timer.refresh();
      else onLate();
    });
  }, ms / PARTS);
  if (!hold) timer.unref();
  return () => {
    clearTimeout(timer);
    clearImmediate(immediate);
  };
}

/**
 * `promise`, or a rejection with `onLate()` after {@link startDeadline}'s `ms` milliseconds. While it waits
 * the timer keeps the thread alive, so that a caller's `await` comes back even if nothing else is going on.
 */
export function withDeadline<T>(promise: Promise<T>, ms: number, onLate: () => Error): Promise<T> {
  return new Promise((resolve, reject) => {
    const end = startDeadline(ms, true, () => reject(onLate()));
    promise.then(resolve, reject).finally(end);
  });
}
