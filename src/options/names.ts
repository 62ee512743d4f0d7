import { WatchdogError } from '../errors.js';
import { isName, NAME_RULE } from '../shared/rules.js';
import { show, typeOf } from './show.js';

/** Checks the name of a pool or a thread: it becomes the value of a label. */
export function checkName(what: 'pool' | 'thread', name: unknown): asserts name is string {
  if (isName(name)) return;
  throw new WatchdogError(
    'ERR_WATCHDOG_INVALID_ARGUMENT',
    `A ${what}'s name must be ${NAME_RULE}, but is ${show(name)} (${typeOf(name)}).`,
  );
}
