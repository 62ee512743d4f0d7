import { WatchdogError } from '../errors.js';
import { show, typeOf } from '../options/show.js';

/** Runs `work` between the meter's two marks; until its promise is settled, if it returns one. */
export function pauseDuring<T>(work: () => T, meter: { enterPause(): void; leavePause(): void }): T {
  if (typeof work !== 'function') {
    throw new WatchdogError(
      'ERR_WATCHDOG_INVALID_ARGUMENT',
      `pause() takes a function, but was given ${show(work)} (${typeOf(work)}).`,
    );
  }
  meter.enterPause();
  let goesOn = false;
  try {
    const result = work();
    goesOn = typeof (result as PromiseLike<unknown> | null)?.then === 'function';
    return goesOn ? (Promise.resolve(result).finally(() => meter.leavePause()) as T) : result;
  } finally {
    if (!goesOn) meter.leavePause();
  }
}
