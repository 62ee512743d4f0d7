import { readFileSync } from 'node:fs';
import type { Task } from './protocol.js';

/** What Linux tells of a process or thread in its `stat`. */
export interface ProcStat {
  readonly id: number;
  /**
   * As `ps` shows it: R running or runnable, S sleeping, D in uninterruptible sleep, T stopped, Z a zombie.
   */
  readonly state: string;
  /** In clock ticks since the system started: the same id may be given to another one later. */
  readonly startedAt: string | undefined;
}

/**
 * @param directory such as `/proc/4711` or `/proc/self/task/4711`
 * @returns `undefined` if there is no such process or thread, or on other systems
 */
export function readStat(directory: string): ProcStat | undefined {
  try {
    return parseStat(readFileSync(`${directory}/stat`, 'utf8'));
  } catch {
    return undefined;
  }
}

/**
 * Whether the thread is no more. If that cannot be told (no file descriptor is left, say), it is taken to be
 * alive.
 */
export function hasEnded({ directory, startedAt }: Task): boolean {
  try {
    return parseStat(readFileSync(`${directory}/stat`, 'utf8'))?.startedAt !== startedAt;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return code === 'ENOENT' || code === 'ESRCH';
  }
}

/** Fields 3 and 22; the second is a name in parentheses that may hold anything, a parenthesis too. */
export function parseStat(stat: string): ProcStat | undefined {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const [state, startedAt] = [fields[3 - 3], fields[22 - 3]];
  return state ? { id: Number.parseInt(stat, 10), state, startedAt } : undefined;
}
