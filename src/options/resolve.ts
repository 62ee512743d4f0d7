import { constants } from 'node:os';
import { resolve } from 'node:path';
import { WatchdogError } from '../errors.js';
import { isPrintable } from '../shared/printable.js';
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
} from '../shared/protocol.js';
import type { MetricsRegistry, WatchdogOptions } from '../types.js';

/** All settings, checked and with the defaults filled in. */
export interface ResolvedOptions
  extends Omit<SidecarOptions, 'relay' | 'log' | 'capture' | 'directory' | keyof ProcessFacts> {
  readonly registry: MetricsRegistry | undefined;
  readonly perProcess: boolean;
  /** Milliseconds after which a stall is looked into; `false`: never. */
  readonly capture: number | false;
  readonly log: LogFormat | false | ((stall: Stall) => void);
}

export interface OptionSpec<T> {
  /** The `WATCHDOG_*` variable that sets it under `--import event-loop-watchdog/register`. */
  readonly env?: string;
  readonly default: T;
  /** Completes "must be ...". */
  readonly rule: string;
  /** The same of the variable, where that takes less: text, and no objects or functions. */
  readonly envRule?: string;
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
/** The turn meter remembers the worst turn of each of the last 64 seconds. */
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
    envRule: 'an IP address or localhost',
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
    rule: 'true, false, or an object { after }',
    envRule: 'true or false',
    check: (value) => {
      if (typeof value === 'boolean') return value && CAPTURE_AFTER_MS;
      return fieldsOf<{ after: number }>('capture', value, { after: duration(CAPTURE_AFTER_MIN_MS) })?.after;
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
    envRule: 'text, json or false',
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
    rule: 'an object { after, action, signal? }',
    check: (value) =>
      fieldsOf<HangOptions>('hang', value, {
        after: duration(HANG_AFTER_MIN_MS),
        action: {
          rule: '"report" or "kill"',
          check: (action) => (action === 'report' || action === 'kill' ? action : undefined),
        },
        signal: { default: 'SIGKILL', rule: 'the name of a signal', check: signalOf },
      }),
  },
  livenessTimeout: milliseconds('WATCHDOG_LIVENESS_TIMEOUT', 60_000, 1000),
  readiness: {
    default: undefined,
    rule: 'an object { maxLag?, maxQueued?, recovery? } with at least one of the limits',
    check: (value) => {
      const none = { default: Number.POSITIVE_INFINITY };
      const limits = fieldsOf<ReadinessLimits>('readiness', value, {
        maxLag: { ...numberField('a number of milliseconds above 0', Number.MIN_VALUE), ...none },
        maxQueued: { ...numberField('a number of tasks, 0 or more', 0), ...none },
        recovery: { ...duration(0, RECOVERY_MAX_MS), default: RECOVERY_MS },
      });
      return limits && Math.min(limits.maxLag, limits.maxQueued) < none.default ? limits : undefined;
    },
  },
  token: {
    env: 'WATCHDOG_TOKEN',
    default: undefined,
    secret: true,
    rule: `a string of ${TOKEN_RULE}`,
    envRule: TOKEN_RULE,
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
    check: (value) => {
      if (!Array.isArray(value)) return undefined;
      for (const [i, name] of value.entries())
        if (typeof name !== 'string' || !/^[a-zA-Z0-9.-]+$/.test(name))
          throw invalid(`allowedHosts[${i}]`, 'a host name', name);
      return Object.freeze([...value]);
    },
  },
  tls: {
    default: undefined,
    rule: 'an object { key, cert, ca? }',
    check: (value) => {
      const file = { rule: 'the path of a PEM file', check: pathOf };
      return fieldsOf<TlsFiles>('tls', value, {
        key: file as FieldSpec<string>,
        cert: file as FieldSpec<string>,
        ca: { ...file, default: undefined },
      });
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
    rule: `an object of at most ${LABELS_MAX} strings`,
    check: (value) => {
      if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
      const labels = Object.entries(value);
      if (labels.length > LABELS_MAX) return undefined;
      for (const [name, text] of labels) {
        if (!/^(?!__)[a-zA-Z_][a-zA-Z0-9_]*$/.test(name) || OWN_LABELS.includes(name)) throw badLabel(name);
        if (typeof text !== 'string' || !isPrintable(text))
          throw invalid(`labels.${name}`, 'a string without control characters', text);
      }
      return Object.freeze(Object.fromEntries(labels));
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

export const PORT: OptionSpec<number | undefined> = {
  env: 'WATCHDOG_PORT',
  default: undefined,
  rule: 'an integer from 0 to 65535',
  check: (value) => (isPort(value) ? value : undefined),
};

/**
 * Checks the arguments of `startWatchdog` and fills in the defaults.
 * @throws WatchdogError `ERR_WATCHDOG_INVALID_OPTION` that names the option, the rule, the value and its type
 */
export function resolveOptions(port: unknown, options: unknown = {}): ResolvedOptions {
  if (!isPort(port)) throw invalid('port', PORT.rule, port);
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw invalid('options', 'an object', options);
  }
  checkKeys(options, OPTIONS);
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
      `The options ${withVariable('token')} and ${withVariable('tokenFile')} exclude each other.`,
    );
  }
  if (resolved.guardMetrics && resolved.token === undefined && resolved.tokenFile === undefined) {
    throw new WatchdogError(
      'ERR_WATCHDOG_INVALID_OPTION',
      `The option ${withVariable('guardMetrics')} needs a ${withVariable('token')} or a ${withVariable('tokenFile')}.`,
    );
  }
  return Object.freeze(resolved) as unknown as ResolvedOptions;
}

/** One field of an option that is an object. */
interface FieldSpec<T> extends Pick<OptionSpec<T>, 'rule' | 'check'> {
  /** What it is if it is not given; without this it must be. */
  readonly default?: T;
}

/**
 * The checked fields of an object that may have these and no others, its own ones: a polluted prototype adds nothing.
 * `undefined` for what is no object.
 * @throws WatchdogError that names the field
 */
function fieldsOf<T extends object>(
  option: string,
  value: unknown,
  specs: { readonly [K in keyof T]-?: FieldSpec<T[K]> },
): T | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  checkKeys(value, specs, `${option}.`);
  const fields: Record<string, unknown> = {};
  for (const [name, spec] of Object.entries<FieldSpec<unknown>>(specs)) {
    const given = Object.hasOwn(value, name) ? (value as Record<string, unknown>)[name] : undefined;
    const byDefault = given === undefined && Object.hasOwn(spec, 'default');
    const field = byDefault ? spec.default : spec.check(given);
    if (!byDefault && field === undefined) throw invalid(`${option}.${name}`, spec.rule, given);
    fields[name] = field;
  }
  return fields as T;
}

function checkKeys(value: object, known: object, prefix = ''): void {
  const stranger = Object.keys(value).find((name) => !Object.hasOwn(known, name));
  if (stranger === undefined) return;
  throw new WatchdogError(
    'ERR_WATCHDOG_INVALID_OPTION',
    `There is no option ${show(prefix + stranger)}; there are ${Object.keys(known).join(', ')}.`,
  );
}

function numberField(rule: string, min: number, max = Number.POSITIVE_INFINITY): FieldSpec<number> {
  return {
    rule,
    check: (value) => (typeof value === 'number' && value >= min && value <= max ? value : undefined),
  };
}

/** Absolute: the sidecar has no working directory of its own to go by. */
function pathOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' && !value.includes('\0') ? resolve(value) : undefined;
}

function duration(min: number, max?: number): FieldSpec<number> {
  const range = max === undefined ? `${min} or more` : `from ${min} to ${max}`;
  return numberField(`a number of milliseconds, ${range}`, min, max ?? Number.MAX_SAFE_INTEGER);
}

function milliseconds(env: string, byDefault: number, min: number, max?: number): OptionSpec<number> {
  return { ...duration(min, max), env, default: byDefault };
}

function signalOf(value: unknown): NodeJS.Signals | undefined {
  return typeof value === 'string' && Object.hasOwn(constants.signals, value)
    ? (value as NodeJS.Signals)
    : undefined;
}

function isPort(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) <= 65535;
}

function badLabel(name: string): WatchdogError {
  return new WatchdogError(
    'ERR_WATCHDOG_INVALID_OPTION',
    `The option "labels" may not name a label ${show(name)}: names match [a-zA-Z_][a-zA-Z0-9_]*, do not begin with "__" ` +
      `and are none of ${OWN_LABELS.join(', ')}.`,
  );
}

/** For faults of what may have come from the environment. */
function withVariable(name: keyof WatchdogOptions): string {
  return `"${name}" (${OPTIONS[name].env})`;
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
