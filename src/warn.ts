/** One process warning: how this package tells of what it survived. Listen with `process.on('warning')`. */
export function warn(message: string, code: string): void {
  process.emitWarning(message, { type: 'WatchdogWarning', code });
}

/** What was thrown, in words. Anything can be thrown, also what cannot be turned into a string. */
export function reasonOf(thrown: unknown): string {
  if (thrown instanceof Error) return thrown.message;
  return typeof thrown === 'object' ? 'an object that is no Error' : String(thrown);
}
