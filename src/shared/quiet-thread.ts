import type { WorkerOptions } from 'node:worker_threads';

/**
 * What V8 reserves for a thread's machine code, in MiB. By default it is 128 and more, of address space only;
 * but where that is limited (`ulimit -v`: shared hosting, grid engines) and cannot be had, V8 ends the whole
 * process.
 */
const CODE_MB = 16;

/**
 * Options of a thread that keeps to itself. The app's loaders, preloads and tracing agents are not for it,
 * nor are its secrets. Its streams stay with it: else Node.js opens the app's own, which makes a pipe on 1 or
 * 2 non-blocking for the whole app, and has an EPIPE there end the process.
 */
export function quietThread(name: string, heapMb: number): WorkerOptions {
  return {
    eval: true,
    name,
    execArgv: ['--no-warnings'],
    env: {},
    argv: [],
    stdin: false,
    stdout: true,
    stderr: true,
    resourceLimits: {
      maxOldGenerationSizeMb: heapMb,
      maxYoungGenerationSizeMb: 16,
      codeRangeSizeMb: CODE_MB,
    },
  };
}
