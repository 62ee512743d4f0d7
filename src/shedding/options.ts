import { type FieldSpec, fieldsOf, invalid, isObject, numberField } from '../options/checks.js';
import { getWatchdog } from '../running.js';
import { now } from '../shared/clock.js';
import { warnOnce } from '../warn.js';
import { createShedder, type SheddingLimits } from './shedder.js';
import type { PressureSource } from './types.js';

export interface Shedding<Request> {
  /** To be asked once for each request. */
  readonly shouldShed: (request: Request) => boolean;
  /** Value of `Retry-After`. */
  readonly retryAfter: string;
}

interface Resolved extends SheddingLimits {
  readonly retryAfter: number;
  readonly except: ((request: never) => boolean) | undefined;
  readonly watchdog: PressureSource | undefined;
}

const RETRY_AFTER_MAX_MS = 86_400_000;

const SPECS: { readonly [K in keyof Resolved]: FieldSpec<Resolved[K]> } = {
  maxLag: { ...numberField('a number of milliseconds above 0', Number.MIN_VALUE), default: 150 },
  maxQueued: { ...numberField('a number of tasks, 0 or more', 0), default: Number.POSITIVE_INFINITY },
  retryAfter: {
    ...numberField(`a number of milliseconds, from 0 to ${RETRY_AFTER_MAX_MS}`, 0, RETRY_AFTER_MAX_MS),
    default: 2000,
  },
  except: {
    default: undefined,
    rule: 'a function',
    check: (value) => (typeof value === 'function' ? (value as () => boolean) : undefined),
  },
  watchdog: {
    default: undefined,
    rule: 'a watchdog (an object with a pressure() method)',
    check: (value) =>
      typeof (value as PressureSource | null)?.pressure === 'function'
        ? (value as PressureSource)
        : undefined,
  },
};

/** What a client gets that is turned away. */
export const BODY = 'too busy\n';

/**
 * @param options those of `shedLoad`
 * @param theirs names of options that are the framework's
 * @throws WatchdogError `ERR_WATCHDOG_INVALID_OPTION` that names the option, the rule, the value and its type
 */
export function createShedding<Request>(options: unknown, theirs: readonly string[] = []): Shedding<Request> {
  if (!isObject(options)) throw invalid('options', 'an object', options);
  const ours = Object.fromEntries(Object.entries(options).filter(([name]) => !theirs.includes(name)));
  const { except, watchdog, retryAfter, ...limits } = fieldsOf<Resolved>('shedLoad', ours, SPECS) as Resolved;
  const isOverloaded = createShedder(limits, {
    now,
    random: Math.random,
    watchdog: watchdog ? () => watchdog : whicheverRuns(),
  });
  return {
    shouldShed: (request) => isOverloaded() && !except?.(request as never),
    retryAfter: String(Math.ceil(retryAfter / 1000)),
  };
}

/** The watchdog of this process, asked for at each request: it may be started later, and closed sooner. */
function whicheverRuns(): () => PressureSource | undefined {
  let known = false;
  return () => {
    const watchdog = getWatchdog();
    if (watchdog) known = true;
    else if (!known) warnOnce(NONE_RUNS, 'WATCHDOG_NOT_RUNNING');
    return watchdog;
  };
}

const NONE_RUNS =
  'shedLoad() turns nobody away: no watchdog runs in this process. Call startWatchdog() first.';
