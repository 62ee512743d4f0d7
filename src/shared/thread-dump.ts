import type { Frame, RequestContext } from './stall.js';

/**
 * What a thread does: `running` on a CPU or waiting for one; `idle` in its event loop; `parked` in
 * `Atomics.wait`; `blocked` asleep in a system call or lock, with code of its own waiting for it.
 */
export type ThreadActivity = 'running' | 'idle' | 'parked' | 'blocked';

/** A JavaScript thread of the process. */
export interface DumpedThread {
  /** As `node:worker_threads` counts: its `threadId`, 0 for the process's first. */
  readonly id: number;
  /** `main`, what `watchThread()` was given, or the `name` of the `Worker`; absent if it has none. */
  readonly name?: string;
  /** The pool under watch that it belongs to. */
  readonly pool?: string;
  /** For so many milliseconds the oldest task of that pool's thread has run, at least. */
  readonly oldestTaskMs?: number;
  /** A thread of the watchdog: it takes this dump, and is not looked into. */
  readonly ours?: true;
  /** Absent where it cannot be told, such as of a thread that could not be asked. */
  readonly activity?: ThreadActivity;
  /** As `ps` shows it, when the dump began; Linux. */
  readonly state?: string;
  /** The system call it was in then, where that can be read. */
  readonly syscall?: string;
  /** Part of a CPU that it used in the second from when the dump began, 0 to 1; Linux. */
  readonly cpuShare?: number;
  /** Whether it has answered. One that has not is in native code, or could not be asked. */
  readonly answered: boolean;
  /** Innermost first, at most 64; empty if it ran no JavaScript. */
  readonly frames: readonly Frame[];
  /** See {@link StackSample.nativeMs}. */
  readonly nativeMs?: number;
  /** See {@link StackSample.request}. */
  readonly request?: RequestContext;
}

/** A thread of the process that runs no JavaScript, or of which nobody can tell which it is; Linux. */
export interface SystemThread {
  /** As the system counts. */
  readonly tid: number;
  /** As the system has it, such as `libuv-worker`. */
  readonly name: string;
  /** As `ps` shows it. */
  readonly state: string;
  /** The system call it was in, where that can be read. */
  readonly syscall?: string;
  /** As {@link DumpedThread.cpuShare}. */
  readonly cpuShare?: number;
}

/** What `POST /debug/threads` answers: what each thread of the process did at one moment. */
export interface ThreadDump {
  /** ISO 8601 time at which it was begun. */
  readonly takenAt: string;
  /** Process id. */
  readonly pid: number;
  /** Of Node.js, such as `v20.20.2`. */
  readonly version: string;
  /** By id; at most 256. */
  readonly threads: readonly DumpedThread[];
  /** By tid; at most 256. */
  readonly systemThreads: readonly SystemThread[];
  /** What is missing, and why, in a sentence; absent if nothing is. */
  readonly incomplete?: string;
}
