import { readdirSync, readFileSync } from 'node:fs';

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
      // The name in parentheses may hold anything, a parenthesis too: the state follows the last one.
      const stat = read(`${directory}/stat`);
      const state = stat?.slice(stat.lastIndexOf(')') + 2, stat.lastIndexOf(')') + 3);
      if (!state) return undefined;
      const syscall = nameOf(read(`${directory}/syscall`)?.split(' ')[0]);
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

/** The ids of this process's threads; none where the system does not list them. */
export function threadIds(): string[] {
  try {
    return readdirSync('/proc/self/task');
  } catch {
    return [];
  }
}

/**
 * The system calls in which a main thread is found to sleep. Numbers from the kernel's tables for each
 * machine.
 */
const SYSCALLS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  x64: {
    0: 'read',
    1: 'write',
    7: 'poll',
    17: 'pread64',
    18: 'pwrite64',
    35: 'nanosleep',
    44: 'sendto',
    45: 'recvfrom',
    61: 'wait4',
    72: 'fcntl',
    73: 'flock',
    74: 'fsync',
    75: 'fdatasync',
    202: 'futex',
    230: 'clock_nanosleep',
    232: 'epoll_wait',
    247: 'waitid',
    257: 'openat',
    271: 'ppoll',
    281: 'epoll_pwait',
  },
  arm64: {
    22: 'epoll_pwait',
    25: 'fcntl',
    32: 'flock',
    56: 'openat',
    63: 'read',
    64: 'write',
    67: 'pread64',
    68: 'pwrite64',
    73: 'ppoll',
    82: 'fsync',
    83: 'fdatasync',
    95: 'waitid',
    98: 'futex',
    101: 'nanosleep',
    115: 'clock_nanosleep',
    206: 'sendto',
    207: 'recvfrom',
    260: 'wait4',
  },
};

/** Whether it can be told in which system call a thread of this process sleeps. */
export const KNOWS_SYSCALLS: boolean =
  Object.hasOwn(SYSCALLS, process.arch) && read('/proc/thread-self/syscall') !== undefined;

function nameOf(number: string | undefined): string | undefined {
  const trimmed = number?.trim();
  // "running", or -1 outside of any call.
  if (!trimmed || !/^\d+$/.test(trimmed)) return undefined;
  return SYSCALLS[process.arch]?.[trimmed] ?? `syscall ${trimmed}`;
}
