import { WatchdogError } from './errors.js';
import { show, typeOf } from './options.js';

/** Runs `work` between the heart's two marks; until its promise is settled, if it returns one. */
export function pauseDuring<T>(work: () => T, heart: { enterPause(): void; leavePause(): void }): T {
  if (typeof work !== 'function') {
    throw new WatchdogError(
      'ERR_WATCHDOG_INVALID_ARGUMENT',
      `pause() takes a function, but was given ${show(work)} (${typeOf(work)}).`,
    );
  }
  heart.enterPause();
  let result: T;
  try {
    result = work();
  } catch (error) {
    heart.leavePause();
    throw error;
  }
  if (typeof (result as PromiseLike<unknown> | null)?.then === 'function') {
    return Promise.resolve(result).finally(() => heart.leavePause()) as T;
  }
  heart.leavePause();
  return result;
}
