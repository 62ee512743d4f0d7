import { printable } from './shared/printable.js';

/**
 * One process warning: how this package tells of what it survived. Listen with `process.on('warning')`.
 * @param detail lines that follow it
 */
export function warn(message: string, code: string, detail: readonly string[] = []): void {
  const lines = detail.length > 0 && { detail: detail.map(printable).join('\n') };
  process.emitWarning(printable(message), { type: 'WatchdogWarning', code, ...lines });
}

const said = new Set<string>();

/** The same is said once, however often it is come by. */
export function warnOnce(message: string, code: string): void {
  if (said.has(message)) return;
  said.add(message);
  warn(message, code);
}

/** What was thrown, in words. Anything can be thrown, also what cannot be turned into a string. */
export function reasonOf(thrown: unknown): string {
  if (thrown instanceof Error) return thrown.message;
  return typeof thrown === 'object' ? 'an object that is no Error' : String(thrown);
}

/** Where it was thrown. The message, which the stack begins with, may look like anything but this. */
export function framesOf(thrown: unknown): string[] {
  const stack = thrown instanceof Error ? thrown.stack : undefined;
  return typeof stack === 'string' ? stack.split('\n').filter((line) => line.startsWith('    at ')) : [];
}
