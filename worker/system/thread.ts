import { readdirSync, readFileSync } from 'node:fs';
import { readStat } from '../../src/shared/proc-stat.js';
import { SYSCALLS, syscallName } from './syscalls.js';

/** Time that a thread has spent, in milliseconds since it began. */
export interface ThreadTimes {
  /** On a CPU. */
  readonly cpuMs: number;
  /** Runnable, waiting for a CPU. */
  readonly runQueueMs: number;
}

/** What a thread does at this moment. */
export interface ThreadState {
  /** As `ps` shows it: R running or runnable, S sleeping, D in uninterruptible sleep, T stopped. */
  readonly state: string;
  /** Name of the system call it is in, or its number; absent if it is in none or that cannot be read. */
  readonly syscall?: string;
}

/** A thread's accounts in `/proc`. On other systems than Linux there are none. */
export interface ThreadReader {
  times(): ThreadTimes | undefined;
  state(): ThreadState | undefined;
}

/** @param directory of the thread, such as `/proc/self/task/4711` */
export function openThread(directory: string): ThreadReader {
  return {
    times() {
      // Nanoseconds on a CPU, nanoseconds waiting for one, time slices.
      const [cpu, wait] = read(`${directory}/schedstat`)?.split(' ') ?? [];
      if (cpu === undefined || wait === undefined) return undefined;
      // A kernel that keeps no accounts (gVisor, no CONFIG_SCHED_INFO) has the file all the same.
      if (cpu === '0' && wait === '0') return undefined;
      return { cpuMs: Number(cpu) / 1e6, runQueueMs: Number(wait) / 1e6 };
    },
    state() {
      const state = readStat(directory)?.state;
      if (state === undefined) return undefined;
      const syscall = syscallName(read(`${directory}/syscall`)?.split(' ')[0]);
      return { state, ...(syscall !== undefined && { syscall }) };
    },
  };
}

/** Sync, since async reading waits in libuv's pool, which the app may have saturated. */
export function read(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    // Not Linux, not permitted, or gone: no such source.
    return undefined;
  }
}

/** The ids of this process's threads; none where the system does not list them: not Linux, or hidden. */
export function threadIds(): string[] {
  try {
    return readdirSync('/proc/self/task');
  } catch {
    return [];
  }
}

/** Whether it can be told in which system call a thread of this process sleeps. */
export const KNOWS_SYSCALLS: boolean =
  SYSCALLS !== undefined && read('/proc/thread-self/syscall') !== undefined;
