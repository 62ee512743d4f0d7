import { readFileSync } from 'node:fs';

/**
 * When a process or thread began, as Linux counts it: the same id may be given to another one later.
 * @param directory such as `/proc/4711` or `/proc/self/task/4711`
 * @returns clock ticks since the system started; `undefined` if there is no such thread, or on other systems
 */
export function startOf(directory: string): string | undefined {
  try {
    const stat = readFileSync(`${directory}/stat`, 'utf8');
    // Field 22; the second is a name that may hold anything, a parenthesis too.
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
  } catch {
    return undefined;
  }
}
