import timers from 'node:timers';

const { setTimeout, clearTimeout, setImmediate } = timers;

/**
 * `promise`, or a rejection with `onLate()` after `ms` milliseconds. While it waits the timer keeps the thread
 * alive, so that a caller's `await` comes back even if nothing else is going on.
 */
export function withDeadline<T>(promise: Promise<T>, ms: number, onLate: () => Error): Promise<T> {
  return new Promise((resolve, reject) => {
    // A loop that was blocked finds the timer expired before it has read its mail: the answer may be there.
    // The check phase comes after the poll phase, in which mail is read.
    const timer = setTimeout(() => setImmediate(() => reject(onLate())), ms);
    promise.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}
