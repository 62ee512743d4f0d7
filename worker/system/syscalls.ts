/** The system calls in which a main thread is found to sleep, by the kernel's tables for each machine. */
const BY_MACHINE: Readonly<Record<string, Readonly<Record<string, string>>>> = {
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

/** Those of this machine, by number; `undefined` if its table is not known. */
export const SYSCALLS: Readonly<Record<string, string>> | undefined = BY_MACHINE[process.arch];

/** @param number as `/proc/…/syscall` has it */
export function syscallName(number: string | undefined): string | undefined {
  const trimmed = number?.trim();
  // "running", or -1 outside of any call.
  if (!trimmed || !/^\d+$/.test(trimmed)) return undefined;
  return SYSCALLS?.[trimmed] ?? `syscall ${trimmed}`;
}
