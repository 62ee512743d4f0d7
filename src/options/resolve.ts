import { WatchdogError } from '../errors.js';
import { checkKeys, invalid, isObject, type OptionSpec } from './checks.js';
import { OPTIONS, PORT, type ResolvedOptions } from './options.js';
import type { WatchdogOptions } from './types.js';

/**
 * Checks the arguments of `startWatchdog` and fills in the defaults.
 * @throws WatchdogError `ERR_WATCHDOG_INVALID_OPTION` that names the option, the rule, the value and its type
 */
export function resolveOptions(port: unknown, options: unknown = {}): ResolvedOptions {
  if (PORT.check(port) === undefined) throw invalid('port', PORT.rule, port);
  if (!isObject(options)) throw invalid('options', 'an object', options);
  checkKeys(options, OPTIONS);
  const resolved: Record<string, unknown> = { port };
  for (const [name, spec] of Object.entries(OPTIONS)) resolved[name] = resolveOne(name, spec, options);
  checkTogether(resolved as unknown as ResolvedOptions);
  return Object.freeze(resolved) as unknown as ResolvedOptions;
}

function resolveOne(name: string, spec: OptionSpec<unknown>, options: object): unknown {
  // Own properties only: a polluted prototype sets nothing.
  const given = Object.hasOwn(options, name) ? (options as Record<string, unknown>)[name] : undefined;
  if (given === undefined) return spec.default;
  const value = spec.check(given);
  if (value === undefined) throw invalid(name, spec.rule, given, spec.secret);
  return value;
}

/** What each option by itself cannot know. */
function checkTogether({ token, tokenFile, guardMetrics }: ResolvedOptions): void {
  if (token !== undefined && tokenFile !== undefined) {
    throw new WatchdogError(
      'ERR_WATCHDOG_INVALID_OPTION',
      `The options ${withVariable('token')} and ${withVariable('tokenFile')} exclude each other.`,
    );
  }
  if (guardMetrics && token === undefined && tokenFile === undefined) {
    const either = `a ${withVariable('token')} or a ${withVariable('tokenFile')}`;
    throw new WatchdogError(
      'ERR_WATCHDOG_INVALID_OPTION',
      `The option ${withVariable('guardMetrics')} needs ${either}.`,
    );
  }
}

/** For faults of what may have come from the environment. */
function withVariable(name: keyof WatchdogOptions): string {
  return `"${name}" (${OPTIONS[name].env})`;
}
