import { nearest } from '../shared/nearest.js';
import { DEFAULT_PORT } from '../shared/rules.js';
import { reasonOf } from '../warn.js';
import { meaningOf, type OptionSpec } from './checks.js';
import { OPTIONS, PORT } from './options.js';
import { show } from './show.js';
import type { WatchdogOptions } from './types.js';

const PREFIX = 'WATCHDOG_';
/** systemd's, for services that it watches: not ours to complain about. */
const SYSTEMD: readonly string[] = ['WATCHDOG_PID', 'WATCHDOG_USEC'];

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The arguments of `startWatchdog` as the environment gives them, or those in `names`. A variable that is
 * wrong is left out and told to `warn`, so that the app runs with the default.
 */
export function optionsFromEnv(
  env: Environment,
  warn: (message: string) => void,
  names: readonly string[] = ['port', ...Object.keys(OPTIONS)],
): { readonly port: number; readonly options: WatchdogOptions } {
  const given: Record<string, unknown> = {};
  for (const [name, spec] of allSpecs()) {
    const text = names.includes(name) && spec.env !== undefined ? env[spec.env] : undefined;
    if (text === undefined || text === '') continue;
    try {
      given[name] = valueIn(spec, text);
    } catch (error) {
      warn(`${reasonOf(error)} Using the default.`);
    }
  }
  const { port = DEFAULT_PORT, ...options } = given;
  return { port: port as number, options };
}

/** @throws an error that begins with the variable's name */
function valueIn(
  { env, rule, envRule = rule, envValue, check, secret }: OptionSpec<unknown>,
  text: string,
): unknown {
  const meanings = envValue ? [envValue(text)] : [meaningOf(text), text];
  let value: unknown;
  try {
    value = meanings.find((meant) => check(meant) !== undefined);
  } catch (error) {
    // It names the field of an object.
    throw new Error(`${env}: ${reasonOf(error)}`);
  }
  if (value !== undefined) return value;
  throw new Error(`${env} must be ${envRule}, but is ${secret ? 'something else' : show(text)}.`);
}

/** Tells `warn` of each variable that looks like one of ours and is none. */
export function checkVariables(env: Environment, warn: (message: string) => void): void {
  const known = allSpecs().flatMap(([, spec]) => spec.env ?? []);
  for (const variable of Object.keys(env)) {
    if (!variable.startsWith(PREFIX) || known.includes(variable) || SYSTEMD.includes(variable)) continue;
    warn(`There is no variable ${variable}; the nearest is ${nearest(variable, known)}.`);
  }
}

const allSpecs = (): [string, OptionSpec<unknown>][] => [['port', PORT], ...Object.entries(OPTIONS)];
