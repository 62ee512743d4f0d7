/** One process warning: how this package tells of what it survived. Listen with `process.on('warning')`. */
export function warn(message: string, code: string): void {
  process.emitWarning(message, { type: 'WatchdogWarning', code });
}
