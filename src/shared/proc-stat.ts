import { readFileSync } from 'node:fs';
import type { Task } from './protocol.js';

/**
 * When a process or thread began, as Linux counts it: the same id may be given to another one later.
 * @param directory such as `/proc/4711` or `/proc/self/task/4711`
 * @returns clock ticks since the system started; `undefined` if there is no such thread, or on other systems
 */
export function startOf(directory: string): string | undefined {
  try {
    return startIn(readFileSync(`${directory}/stat`, 'utf8'));
  } catch {
    return undefined;
  }
}

/** Whether the thread is no more. If that cannot be told (no file descriptor is left, say), it is taken to be alive. */
export function hasEnded({ directory, startedAt }: Task): boolean {
  try {
    return startIn(readFileSync(`${directory}/stat`, 'utf8')) !== startedAt;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return code === 'ENOENT' || code === 'ESRCH';
  }
}

/** Field 22; the second is a name that may hold anything, a parenthesis too. */
function startIn(stat: string): string | undefined {
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
}
