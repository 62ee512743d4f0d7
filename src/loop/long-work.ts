import { WatchdogError } from '../errors.js';
import { show, typeOf } from '../options/resolve.js';

/** Runs `work` between the heart's two marks; until its promise is settled, if it returns one. */
export function pauseDuring<T>(work: () => T, heart: { enterPause(): void; leavePause(): void }): T {
  if (typeof work !== 'function') {
    throw new WatchdogError(
      'ERR_WATCHDOG_INVALID_ARGUMENT',
      `pause() takes a function, but was given ${show(work)} (${typeOf(work)}).`,
    );
  }
  heart.enterPause();
  let goesOn = false;
  try {
    const result = work();
    goesOn = typeof (result as PromiseLike<unknown> | null)?.then === 'function';
    return goesOn ? (Promise.resolve(result).finally(() => heart.leavePause()) as T) : result;
  } finally {
    if (!goesOn) heart.leavePause();
  }
}
