import { WatchdogError } from './errors.js';
import { show, typeOf } from './options.js';

const NAME_MAX = 64;

/** Checks the name of a pool or a thread: it becomes the value of a label. */
export function checkName(what: 'pool' | 'thread', name: unknown): asserts name is string {
  if (typeof name === 'string' && name.length >= 1 && name.length <= NAME_MAX) return;
  throw new WatchdogError(
    'ERR_WATCHDOG_INVALID_ARGUMENT',
    `A ${what}'s name must be a string of 1 to ${NAME_MAX} characters, but is ${show(name)} (${typeOf(name)}).`,
  );
}
