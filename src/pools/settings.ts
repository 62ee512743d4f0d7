import { WatchdogError } from '../errors.js';
import { duration, fieldsOf } from '../options/checks.js';
import { show, typeOf } from '../options/show.js';
import type { PoolOptions } from './types.js';

/** Shorter ones are over before they are looked at. */
const SLOW_TASK_MIN_MS = 100;
const SPECS = { slowTask: { ...duration(SLOW_TASK_MIN_MS), default: undefined } };

/**
 * The checked settings of a pool.
 * @throws WatchdogError if one is wrong, or makes no sense for this kind of pool
 */
export function checkSettings(settings: unknown, kind: 'piscina' | 'sampler'): PoolOptions {
  if (settings === undefined) return {};
  const checked = fieldsOf<PoolOptions>('watchPool', settings, SPECS);
  if (!checked) {
    throw new WatchdogError(
      'ERR_WATCHDOG_INVALID_ARGUMENT',
      `The settings of watchPool must be an object, but are ${show(settings)} (${typeOf(settings)}).`,
    );
  }
  if (kind === 'sampler' && checked.slowTask !== undefined) {
    throw new WatchdogError(
      'ERR_WATCHDOG_INVALID_ARGUMENT',
      '"slowTask" is for Piscina pools: one that a sampler reads has no threads that could be looked at.',
    );
  }
  return checked;
}
