import { constants } from 'node:os';
import { resolve } from 'node:path';
import { WatchdogError } from './errors.js';
import { isPrintable } from './shared/printable.js';
import {
  type HangOptions,
  isToken,
  type LogFormat,
  type ProcessFacts,
  type ReadinessLimits,
  type SidecarOptions,
  type Stall,
  type TlsFiles,
  TOKEN_RULE,
} from './shared/protocol.js';
import type { MetricsRegistry, WatchdogOptions } from './types.js';

/** All settings, checked and with the defaults filled in. */
export interface ResolvedOptions
  extends Omit<SidecarOptions, 'relay' | 'log' | 'capture' | 'directory' | keyof ProcessFacts> {
  readonly registry: MetricsRegistry | undefined;
  readonly perProcess: boolean;
  /** Milliseconds after which a stall is looked into; `false`: never. */
  readonly capture: number | false;
  readonly log: LogFormat | false | ((stall: Stall) => void);
}

interface OptionSpec<T> {
  /** The `WATCHDOG_*` variable that sets it under `--import event-loop-watchdog/register`. */
  readonly env?: string;
  readonly default: T;
  /** Completes "must be ...". */
  readonly rule: string;
  /** Its value is not for error messages. */
  readonly secret?: boolean;
  /** The checked value, or `undefined` if it breaks the rule. */
  readonly check: (value: unknown) => T | undefined;
}
type Specs = { readonly [K in keyof WatchdogOptions]-?: OptionSpec<ResolvedOptions[K]> };

/** When a stall is looked into: short ones are over before an answer is there. */
const CAPTURE_AFTER_MS = 200;
const CAPTURE_AFTER_MIN_MS = 50;
const HANG_AFTER_MIN_MS = 1000;
/** How long readiness stays away after a limit was last exceeded. */
const RECOVERY_MS = 5000;
/** The heart remembers the worst turn of each of the last 64 seconds. */
const RECOVERY_MAX_MS = 60_000;
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

const PATH_RULE = 'the path of a file';

/** Every option, once. The README's table is checked against this one. */
export const OPTIONS: Specs = {
  host: {
    env: 'WATCHDOG_HOST',
    default: undefined,
    rule: 'an IP address or "localhost"',
    // Names are resolved in libuv's thread pool, which the app may saturate: only what needs no look-up.
    check: (value) => {
      if (value === 'localhost') return '127.0.0.1';
      // Not imported: an app that does not use the network should not wait for it to load.
      const { isIP } = process.getBuiltinModule('node:net');
      return typeof value === 'string' && isIP(value) > 0 ? value : undefined;
    },
  },
  heartbeatInterval: milliseconds('WATCHDOG_HEARTBEAT_INTERVAL', 100, 20, 1000),
  stallThreshold: milliseconds('WATCHDOG_STALL_THRESHOLD', 100, 10),
  capture: {
    env: 'WATCHDOG_CAPTURE',
    default: CAPTURE_AFTER_MS,
    rule: `true, false, or an object { after } with a number of milliseconds, ${CAPTURE_AFTER_MIN_MS} or more`,
    check: (value) => {
      if (typeof value === 'boolean') return value && CAPTURE_AFTER_MS;
      const { after } = fieldsOf<{ after: number }>(value, ['after']);
      return typeof after === 'number' && after >= CAPTURE_AFTER_MIN_MS ? after : undefined;
    },
  },
  sourceLines: {
    env: 'WATCHDOG_SOURCE_LINES',
    default: true,
    rule: 'true or false',
    check: (value) => (typeof value === 'boolean' ? value : undefined),
  },
  log: {
    env: 'WATCHDOG_LOG',
    default: 'text',
    rule: '"text", "json", false or a function',
    check: (value) =>
      value === 'text' || value === 'json' || value === false
        ? value
        : typeof value === 'function'
          ? (value as (stall: Stall) => void)
          : undefined,
  },
  journal: {
    env: 'WATCHDOG_JOURNAL',
    default: undefined,
    rule: PATH_RULE,
    check: pathOf,
  },
  hang: {
    default: undefined,
    rule:
      `an object { after, action, signal? } with a number of milliseconds, ${HANG_AFTER_MIN_MS} or more, ` +
      '"report" or "kill", and the name of a signal',
    check: (value) => {
      const {
        after,
        action,
        signal = 'SIGKILL',
      } = fieldsOf<HangOptions>(value, ['after', 'action', 'signal']);
      const sound =
        typeof after === 'number' &&
        after >= HANG_AFTER_MIN_MS &&
        (action === 'report' || action === 'kill') &&
        typeof signal === 'string' &&
        Object.hasOwn(constants.signals, signal);
      return sound ? { after, action, signal } : undefined;
    },
  },
  livenessTimeout: milliseconds('WATCHDOG_LIVENESS_TIMEOUT', 60_000, 1000),
  readiness: {
    default: undefined,
    rule:
      'an object { maxLag?, maxQueued?, recovery? } with numbers of milliseconds, tasks, and milliseconds up to ' +
      `${RECOVERY_MAX_MS}; at least one of the limits`,
    check: (value) => {
      const {
        maxLag = Number.POSITIVE_INFINITY,
        maxQueued = Number.POSITIVE_INFINITY,
        recovery = RECOVERY_MS,
      } = fieldsOf<ReadinessLimits>(value, ['maxLag', 'maxQueued', 'recovery']);
      const sound =
        maxLag > 0 &&
        maxQueued >= 0 &&
        recovery >= 0 &&
        recovery <= RECOVERY_MAX_MS &&
        [maxLag, maxQueued, recovery].every((limit) => typeof limit === 'number') &&
        Math.min(maxLag, maxQueued) < Number.POSITIVE_INFINITY;
      return sound ? { maxLag, maxQueued, recovery } : undefined;
    },
  },
  token: {
    env: 'WATCHDOG_TOKEN',
    default: undefined,
    secret: true,
    rule: TOKEN_RULE,
    check: (value) => (isToken(value) ? value : undefined),
  },
  tokenFile: { env: 'WATCHDOG_TOKEN_FILE', default: undefined, rule: PATH_RULE, check: pathOf },
  guardMetrics: {
    env: 'WATCHDOG_GUARD_METRICS',
    default: false,
    rule: 'true or false',
    check: (value) => (typeof value === 'boolean' ? value : undefined),
  },
  allowedHosts: {
    default: Object.freeze([]),
    rule: 'an array of host names',
    check: (value) =>
      Array.isArray(value) && value.every((name) => typeof name === 'string' && /^[a-zA-Z0-9.-]+$/.test(name))
        ? Object.freeze([...value])
        : undefined,
  },
  tls: {
    default: undefined,
    rule: 'an object { key, cert, ca? } with paths of PEM files',
    check: (value) => {
      const { key, cert, ca } = fieldsOf<TlsFiles>(value, ['key', 'cert', 'ca']);
      const files = { key: pathOf(key), cert: pathOf(cert), ca: pathOf(ca) };
      const sound = files.key && files.cert && (ca === undefined || files.ca);
      return sound ? (files as TlsFiles) : undefined;
    },
  },
  perProcess: {
    env: 'WATCHDOG_PER_PROCESS',
    default: false,
    rule: 'true or false',
    check: (value) => (typeof value === 'boolean' ? value : undefined),
  },
  labels: {
    default: Object.freeze({}),
    rule:
      `an object of at most ${LABELS_MAX} strings without control characters, whose names match [a-zA-Z_][a-zA-Z0-9_]*, ` +
      `do not begin with "__" and are none of ${OWN_LABELS.join(', ')}`,
    check: (value) => {
      if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
      const labels = Object.entries(value);
      const sound = labels.every(
        ([name, text]) =>
          typeof text === 'string' &&
          isPrintable(text) &&
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
    if (given !== undefined && value === undefined) throw invalid(name, spec.rule, given, spec.secret);
    resolved[name] = value;
  }
  if (resolved.token !== undefined && resolved.tokenFile !== undefined) {
    throw new WatchdogError(
      'ERR_WATCHDOG_INVALID_OPTION',
      'The options "token" and "tokenFile" exclude each other.',
    );
  }
  if (resolved.guardMetrics && resolved.token === undefined && resolved.tokenFile === undefined) {
    throw new WatchdogError(
      'ERR_WATCHDOG_INVALID_OPTION',
      'The option "guardMetrics" needs a "token" or a "tokenFile".',
    );
  }
  return Object.freeze(resolved) as unknown as ResolvedOptions;
}

/** The port when `WATCHDOG_PORT` is not set: the one that Prometheus' exporters list for OpenTelemetry-style apps. */
export const DEFAULT_PORT = 9464;

/**
 * The arguments of `startWatchdog` as the environment gives them, or those in `names`. A variable that is wrong is left
 * out and told to `warn`, so that the app runs with the default.
 */
export function optionsFromEnv(
  env: Readonly<Record<string, string | undefined>>,
  warn: (message: string) => void,
  names: readonly string[] = ['port', ...Object.keys(OPTIONS)],
): { readonly port: number; readonly options: WatchdogOptions } {
  /** The variable's value as the option takes it, `undefined` if it is not set or not sound. */
  const read = (variable: string, spec: Pick<OptionSpec<unknown>, 'rule' | 'secret' | 'check'>): unknown => {
    const text = env[variable];
    if (text === undefined || text === '') return undefined;
    const given = [meaningOf(text), text].find((value) => spec.check(value) !== undefined);
    if (given === undefined) {
      warn(
        `${variable} must be ${spec.rule}, but is ${spec.secret ? 'something else' : show(text)}; using the default.`,
      );
    }
    return given;
  };
  const port =
    names.includes('port') &&
    read('WATCHDOG_PORT', { rule: PORT_RULE, check: (value) => (isPort(value) ? value : undefined) });
  const options: Record<string, unknown> = {};
  for (const [name, spec] of Object.entries(OPTIONS) as [string, OptionSpec<unknown>][]) {
    if (spec.env === undefined || !names.includes(name)) continue;
    const given = read(spec.env, spec);
    if (given !== undefined) options[name] = given;
  }
  return { port: typeof port === 'number' ? port : DEFAULT_PORT, options };
}

/** The fields of an object that may have these and no others: its own ones, a polluted prototype adds nothing. */
function fieldsOf<T extends object>(value: unknown, names: readonly (keyof T & string)[]): Partial<T> {
  const none = Object.create(null) as Partial<T>;
  if (typeof value !== 'object' || value === null) return none;
  const sound = Object.keys(value).every((name) => (names as readonly string[]).includes(name));
  return sound ? Object.assign(none, value) : none;
}

/** Absolute: the sidecar has no working directory of its own to go by. */
function pathOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' && !value.includes('\0') ? resolve(value) : undefined;
}

/** Numbers, `true` and `false` are meant as such. */
function meaningOf(text: string): unknown {
  if (text === 'true' || text === 'false') return text === 'true';
  return text.trim() !== '' && Number.isFinite(Number(text)) ? Number(text) : text;
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

function invalid(name: string, rule: string, value: unknown, secret = false): WatchdogError {
  const subject = name === 'port' || name === 'options' ? `The ${name}` : `The option "${name}"`;
  return new WatchdogError(
    'ERR_WATCHDOG_INVALID_OPTION',
    `${subject} must be ${rule}, but is ${secret ? 'something else' : show(value)} (${typeOf(value)}).`,
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
