import { readlinkSync } from 'node:fs';
import { parseStat } from '../../src/shared/proc-stat.js';
import { syscallName } from './syscalls.js';
import { openThread, read, threadIds } from './thread.js';

/** More of them are left out. */
const TASKS_MAX = 1024;

/** A thread of the process as the system has it; on other systems than Linux there are none. */
export interface Task {
  readonly tid: number;
  /** What it is called, 15 characters at most. */
  readonly name: string;
  /** As `ps` shows it. */
  readonly state: string;
  readonly syscall: string | undefined;
  /** Milliseconds on a CPU so far; `undefined` where no accounts are kept. */
  readonly cpuMs: number | undefined;
}

/** The threads of this process now. */
export function readTasks(): Task[] {
  return threadIds()
    .slice(0, TASKS_MAX)
    .flatMap((id) => readTask(Number(id)) ?? []);
}

/** The tid of this thread. */
export function ownTask(): number | undefined {
  try {
    return taskOf(readlinkSync('/proc/thread-self'));
  } catch {
    return undefined;
  }
}

/** @param link such as `4711/task/4713` */
export function taskOf(link: unknown): number | undefined {
  const [, pid, tid] = (typeof link === 'string' && /^(\d+)\/task\/(\d+)$/.exec(link)) || [];
  return Number(pid) === process.pid ? Number(tid) : undefined;
}

/** Milliseconds on a CPU so far. */
export const cpuMsOf = (tid: number): number | undefined =>
  openThread(`/proc/self/task/${tid}`).times()?.cpuMs;

function readTask(tid: number): Task | undefined {
  const directory = `/proc/self/task/${tid}`;
  const stat = read(`${directory}/stat`);
  const state = stat && parseStat(stat)?.state;
  if (!state) return undefined;
  return {
    tid,
    name: stat.slice(stat.indexOf('(') + 1, stat.lastIndexOf(')')),
    state,
    syscall: syscallName(read(`${directory}/syscall`)?.split(' ')[0]),
    cpuMs: cpuMsOf(tid),
  };
}
