import { now } from '../../src/shared/clock.js';

let keptMs = 0;

/** Does what may wait for a disk, and notes how long that kept this thread: nobody else is to blame. */
export function onDisk<T>(call: () => T): T {
  const fromMs = now();
  try {
    return call();
  } finally {
    keptMs += now() - fromMs;
  }
}

/** For how long such calls have kept this thread in all, in milliseconds. */
export function keptByDisk(): number {
  return keptMs;
}
