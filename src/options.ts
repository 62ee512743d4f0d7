import { isIP } from 'node:net';
import { WatchdogError } from './errors.js';
import type { SidecarOptions } from './shared/protocol.js';
import type { MetricsRegistry, WatchdogOptions } from './types.js';

/** All settings, checked and with the defaults filled in. */
export interface ResolvedOptions extends Omit<SidecarOptions, 'relay'> {
  readonly registry: MetricsRegistry | undefined;
}

interface OptionSpec<T> {
  /** The `WATCHDOG_*` variable that sets it under `--import event-loop-watchdog/register`. */
  readonly env?: string;
  readonly default: T;
  /** Completes "must be ...". */
  readonly rule: string;
  /** The checked value, or `undefined` if it breaks the rule. */
  readonly check: (value: unknown) => T | undefined;
}
type Specs = { readonly [K in keyof WatchdogOptions]-?: OptionSpec<ResolvedOptions[K]> };

const LABELS_MAX = 16;
/** Labels that the watchdog's own series have. */
const OWN_LABELS = [
  'thread',
  'state',
  'type',
  'cause',
  'kind',
  'result',
  'pool',
  'collector',
  'reason',
  'version',
  'node_version',
  'le',
  'quantile',
];

/** Every option, once. The README's table is checked against this one. */
export const OPTIONS: Specs = {
  host: {
    env: 'WATCHDOG_HOST',
    default: undefined,
    rule: 'an IP address or "localhost"',
    // Names are resolved in libuv's thread pool, which the app may saturate: only what needs no look-up.
    check: (value) => {
      if (value === 'localhost') return '127.0.0.1';
      return typeof value === 'string' && isIP(value) > 0 ? value : undefined;
    },
  },
  heartbeatInterval: milliseconds('WATCHDOG_HEARTBEAT_INTERVAL', 100, 20, 1000),
  stallThreshold: milliseconds('WATCHDOG_STALL_THRESHOLD', 100, 10),
  labels: {
    default: Object.freeze({}),
    rule:
      `an object of at most ${LABELS_MAX} strings whose names match [a-zA-Z_][a-zA-Z0-9_]*, ` +
      `do not begin with "__" and are none of ${OWN_LABELS.join(', ')}`,
    check: (value) => {
      if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
      const labels = Object.entries(value);
      const sound = labels.every(
        ([name, text]) =>
          typeof text === 'string' &&
          /^(?!__)[a-zA-Z_][a-zA-Z0-9_]*$/.test(name) &&
          !OWN_LABELS.includes(name),
      );
      return sound && labels.length <= LABELS_MAX ? Object.freeze(Object.fromEntries(labels)) : undefined;
    },
  },
  registry: {
    default: undefined,
    rule: 'a registry of prom-client or @prometheus-io/client (an object with a metrics() method)',
    check: (value) =>
      typeof (value as MetricsRegistry | null)?.metrics === 'function'
        ? (value as MetricsRegistry)
        : undefined,
  },
};

const PORT_RULE = 'an integer from 0 to 65535';

/**
 * Checks the arguments of `startWatchdog` and fills in the defaults.
 * @throws WatchdogError `ERR_WATCHDOG_INVALID_OPTION` that names the option, the rule, the value and its type
 */
export function resolveOptions(port: unknown, options: unknown = {}): ResolvedOptions {
  if (!isPort(port)) throw invalid('port', PORT_RULE, port);
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw invalid('options', 'an object', options);
  }
  for (const name of Object.keys(options)) {
    if (!Object.hasOwn(OPTIONS, name)) {
      throw new WatchdogError(
        'ERR_WATCHDOG_INVALID_OPTION',
        `There is no option ${show(name)}; there are ${Object.keys(OPTIONS).join(', ')}.`,
      );
    }
  }
  const resolved: Record<string, unknown> = { port };
  for (const [name, spec] of Object.entries(OPTIONS) as [string, OptionSpec<unknown>][]) {
    // Own properties only: a polluted prototype sets nothing.
    const given = Object.hasOwn(options, name) ? (options as Record<string, unknown>)[name] : undefined;
    const value = given === undefined ? spec.default : spec.check(given);
    if (given !== undefined && value === undefined) throw invalid(name, spec.rule, given);
    resolved[name] = value;
  }
  return Object.freeze(resolved) as unknown as ResolvedOptions;
}

/** The port when `WATCHDOG_PORT` is not set: the one that Prometheus' exporters list for OpenTelemetry-style apps. */
export const DEFAULT_PORT = 9464;

/**
 * The arguments of `startWatchdog` as the environment gives them. A variable that is wrong is left out and told
 * to `warn`, so that the app runs with the default.
 */
export function optionsFromEnv(
  env: Readonly<Record<string, string | undefined>>,
  warn: (message: string) => void,
): { readonly port: number; readonly options: WatchdogOptions } {
  const read = <T>(
    variable: string,
    rule: string,
    check: (value: unknown) => T | undefined,
  ): T | undefined => {
    const text = env[variable];
    if (text === undefined || text === '') return undefined;
    const number = Number(text);
    const value = check(text.trim() !== '' && Number.isFinite(number) ? number : text) ?? check(text);
    if (value === undefined) warn(`${variable} must be ${rule}, but is ${show(text)}; using the default.`);
    return value;
  };
  const port =
    read('WATCHDOG_PORT', PORT_RULE, (value) => (isPort(value) ? value : undefined)) ?? DEFAULT_PORT;
  const options: Record<string, unknown> = {};
  for (const [name, { env: variable, rule, check }] of Object.entries(OPTIONS)) {
    const value = variable === undefined ? undefined : read<unknown>(variable, rule, check);
    if (value !== undefined) options[name] = value;
  }
  return { port, options };
}

function milliseconds(env: string, byDefault: number, min: number, max?: number): OptionSpec<number> {
  const limit = max ?? Number.MAX_SAFE_INTEGER;
  return {
    env,
    default: byDefault,
    rule: `a number of milliseconds, ${max === undefined ? `${min} or more` : `from ${min} to ${max}`}`,
    check: (value) => (typeof value === 'number' && value >= min && value <= limit ? value : undefined),
  };
}

function isPort(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) <= 65535;
}

function invalid(name: string, rule: string, value: unknown): WatchdogError {
  const subject = name === 'port' || name === 'options' ? `The ${name}` : `The option "${name}"`;
  return new WatchdogError(
    'ERR_WATCHDOG_INVALID_OPTION',
    `${subject} must be ${rule}, but is ${show(value)} (${typeOf(value)}).`,
  );
}

/** A value for an error message: short, and safe whatever it is. */
export function show(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value.length > 64 ? `${value.slice(0, 64)}…` : value);
  if (typeof value === 'bigint') return `${value}n`;
  if (typeof value === 'function') return 'a function';
  if (typeof value === 'object' && value !== null) return Array.isArray(value) ? 'an array' : 'an object';
  return String(value);
}

export function typeOf(value: unknown): string {
  if (value === null) return 'null';
  return Array.isArray(value) ? 'array' : typeof value;
}
