import { constants } from 'node:os';
import { resolve } from 'node:path';
import { WatchdogError } from '../errors.js';
import { show, typeOf } from './show.js';

/** What a value must be, of an option or of a field of one. */
export interface Check<T> {
  /** Completes "must be ...". */
  readonly rule: string;
  /** The checked value, or `undefined` if it breaks the rule. */
  readonly check: (value: unknown) => T | undefined;
}

export interface OptionSpec<T> extends Check<T> {
  /** The `WATCHDOG_*` variable that sets it under `--import event-loop-watchdog/register`. */
  readonly env?: string;
  readonly default: T;
  /** The same of the variable, where that takes less: text, and no objects or functions. */
  readonly envRule?: string;
  /** Its value in the text of the variable, where that is more than a word or a number. */
  readonly envValue?: (text: string) => unknown;
  /** Its value is not for error messages. */
  readonly secret?: boolean;
}

/** One field of an option that is an object. */
export interface FieldSpec<T> extends Check<T> {
  /** What it is if it is not given; without this it must be. */
  readonly default?: T;
}

/** Numbers, `true` and `false` are meant as such. */
export function meaningOf(text: string): unknown {
  if (text === 'true' || text === 'false') return text === 'true';
  return text.trim() !== '' && Number.isFinite(Number(text)) ? Number(text) : text;
}

/** Neither `null` nor an array. */
export function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * The checked fields of an object that may have these and no others, its own ones: a polluted prototype adds
 * nothing. `undefined` for what is no object.
 * @throws WatchdogError that names the field
 */
export function fieldsOf<T extends object>(
  option: string,
  value: unknown,
  specs: { readonly [K in keyof T]-?: FieldSpec<T[K]> },
): T | undefined {
  if (!isObject(value)) return undefined;
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

export function checkKeys(value: object, known: object, prefix = ''): void {
  const stranger = Object.keys(value).find((name) => !Object.hasOwn(known, name));
  if (stranger === undefined) return;
  throw new WatchdogError(
    'ERR_WATCHDOG_INVALID_OPTION',
    `There is no option ${show(prefix + stranger)}; there are ${Object.keys(known).join(', ')}.`,
  );
}

export function numberField(
  rule: string,
  min: number,
  max: number = Number.POSITIVE_INFINITY,
): FieldSpec<number> {
  return {
    rule,
    check: (value) => (typeof value === 'number' && value >= min && value <= max ? value : undefined),
  };
}

/** Absolute: the sidecar has no working directory of its own to go by. */
export function pathOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' && !value.includes('\0') ? resolve(value) : undefined;
}

export const CONTEXT_RULE = 'true, false or a function';

export function contextOf(value: unknown): boolean | (() => unknown) | undefined {
  return typeof value === 'boolean' || typeof value === 'function'
    ? (value as boolean | (() => unknown))
    : undefined;
}

export function duration(min: number, max?: number): FieldSpec<number> {
  const range = max === undefined ? `${min} or more` : `from ${min} to ${max}`;
  return numberField(`a number of milliseconds, ${range}`, min, max ?? Number.MAX_SAFE_INTEGER);
}

export function signalOf(value: unknown): NodeJS.Signals | undefined {
  return typeof value === 'string' && Object.hasOwn(constants.signals, value)
    ? (value as NodeJS.Signals)
    : undefined;
}

export function invalid(name: string, rule: string, value: unknown, secret = false): WatchdogError {
  const subject = name === 'port' || name === 'options' ? `The ${name}` : `The option "${name}"`;
  return new WatchdogError(
    'ERR_WATCHDOG_INVALID_OPTION',
    `${subject} must be ${rule}, but is ${secret ? 'something else' : show(value)} (${typeOf(value)}).`,
  );
}
