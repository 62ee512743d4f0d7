import { isPrintable } from './printable.js';

/** The port when `WATCHDOG_PORT` is not set: Prometheus' list of exporters has it for OpenTelemetry. */
export const DEFAULT_PORT = 9464;

const TOKEN_MIN = 32;
/** Completes "must be ...". */
export const TOKEN_RULE: string = `${TOKEN_MIN} printable ASCII characters or more, without spaces`;
export function isToken(value: unknown): value is string {
  return typeof value === 'string' && value.length >= TOKEN_MIN && /^[!-~]+$/.test(value);
}

const NAME_MAX = 64;
/** Completes "must be ...". */
export const NAME_RULE: string = `a string of 1 to ${NAME_MAX} characters, without control characters`;
/** Of a pool or a thread: the value of a label, and a word in a line of the log. */
export function isName(value: unknown): value is string {
  return typeof value === 'string' && value.length >= 1 && value.length <= NAME_MAX && isPrintable(value);
}
