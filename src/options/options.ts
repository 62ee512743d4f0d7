import { WatchdogError } from '../errors.js';
import { LABEL_NAMES } from '../shared/labels.js';
import { isPrintable } from '../shared/printable.js';
import type {
  HangOptions,
  LogFormat,
  ProcessFacts,
  ReadinessLimits,
  SidecarOptions,
  TlsFiles,
} from '../shared/protocol.js';
import { isToken, TOKEN_RULE } from '../shared/rules.js';
import type { Stall } from '../shared/stall.js';
import {
  CONTEXT_RULE,
  contextOf,
  duration,
  type FieldSpec,
  fieldsOf,
  invalid,
  isObject,
  meaningOf,
  numberField,
  type OptionSpec,
  pathOf,
  signalOf,
} from './checks.js';
import { DELAY_BUCKETS } from './delay-buckets.js';
import { fieldsFrom, pairsOf } from './pairs.js';
import { show } from './show.js';
import type { MetricsRegistry, WatchdogOptions } from './types.js';

/** All settings, checked and with the defaults filled in. */
export interface ResolvedOptions
  extends Omit<SidecarOptions, 'relay' | 'log' | 'capture' | 'context' | 'directory' | keyof ProcessFacts> {
  readonly registry: MetricsRegistry | undefined;
  readonly perProcess: boolean;
  /** Milliseconds after which a stall is looked into; `false`: never. */
  readonly capture: number | false;
  /** Whether it is told which request ran; a function tells more of it. */
  readonly context: boolean | (() => unknown);
  readonly log: LogFormat | false | ((stall: Stall) => void);
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
/** They are on each of some hundreds of series: large ones would take more memory than the sidecar has. */
const LABEL_MAX_CHARS = 1024;
/** Labels that are not the user's: of the watchdog's own series, and Prometheus' own. */
const RESERVED_LABELS: readonly string[] = [...LABEL_NAMES, 'le', 'quantile'];
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
  delayBuckets: DELAY_BUCKETS,
  capture: {
    env: 'WATCHDOG_CAPTURE',
    default: CAPTURE_AFTER_MS,
    rule: 'true, false, or an object { after }',
    envRule: 'true, false, or when to begin, as in after=100',
    envValue: (text) => fieldsFrom(text) ?? meaningOf(text),
    check: (value) => {
      if (typeof value === 'boolean') return value && CAPTURE_AFTER_MS;
      return fieldsOf<{ after: number }>('capture', value, { after: duration(CAPTURE_AFTER_MIN_MS) })?.after;
    },
  },
  sourceLines: flag('WATCHDOG_SOURCE_LINES', true),
  context: {
    env: 'WATCHDOG_CONTEXT',
    default: true,
    rule: CONTEXT_RULE,
    envRule: 'true or false',
    check: contextOf,
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
    env: 'WATCHDOG_HANG',
    default: undefined,
    rule: 'an object { after, action, signal? }',
    envRule: 'after and action, and signal if need be, as in after=120000,action=report',
    envValue: fieldsFrom,
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
    env: 'WATCHDOG_READINESS',
    default: undefined,
    rule: 'an object { maxLag?, maxQueued?, recovery? } with at least one of the limits',
    envRule: 'maxLag or maxQueued or both, and recovery if need be, as in maxLag=500,maxQueued=100',
    envValue: fieldsFrom,
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
  guardMetrics: flag('WATCHDOG_GUARD_METRICS', false),
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
  perProcess: flag('WATCHDOG_PER_PROCESS', false),
  labels: {
    env: 'WATCHDOG_LABELS',
    default: Object.freeze({}),
    rule: `an object of at most ${LABELS_MAX} strings`,
    envRule: `at most ${LABELS_MAX} names with values, each once, as in app=shop,zone=b`,
    envValue: pairsOf,
    check: (value) => {
      if (!isObject(value)) return undefined;
      const labels = Object.entries(value);
      if (labels.length > LABELS_MAX) return undefined;
      for (const [name, text] of labels) {
        const named = /^(?!__)[a-zA-Z_][a-zA-Z0-9_]*$/.test(name) && !RESERVED_LABELS.includes(name);
        if (!named || name.length > LABEL_MAX_CHARS) throw badLabel(name);
        if (typeof text !== 'string' || !isPrintable(text))
          throw invalid(`labels.${name}`, 'a string without control characters', text);
        if (text.length > LABEL_MAX_CHARS)
          throw invalid(`labels.${name}`, `a string of at most ${LABEL_MAX_CHARS} characters`, text);
      }
      return Object.freeze(Object.fromEntries(labels));
    },
  },
  processMetrics: flag('WATCHDOG_PROCESS_METRICS', true),
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
  check: (value) =>
    Number.isInteger(value) && (value as number) >= 0 && (value as number) <= 65535
      ? (value as number)
      : undefined,
};

function milliseconds(env: string, byDefault: number, min: number, max?: number): OptionSpec<number> {
  return { ...duration(min, max), env, default: byDefault };
}

function flag(env: string, byDefault: boolean): OptionSpec<boolean> {
  const check = (value: unknown): boolean | undefined => (typeof value === 'boolean' ? value : undefined);
  return { env, default: byDefault, rule: 'true or false', check };
}

function badLabel(name: string): WatchdogError {
  return new WatchdogError(
    'ERR_WATCHDOG_INVALID_OPTION',
    `The option "labels" may not name a label ${show(name)}: names match [a-zA-Z_][a-zA-Z0-9_]*, ` +
      `have at most ${LABEL_MAX_CHARS} characters, do not begin with "__" and are none of ${RESERVED_LABELS.join(', ')}.`,
  );
}
