import { fstat, openSync } from 'node:fs';
import { devNull } from 'node:os';
import { DELAY_BOUNDS_MS } from '../../src/shared/layout.js';
import { NATIVE_ZERO_MS, nativeSlotOf } from '../../src/shared/native-buckets.js';
import type { ProcessLedger } from '../counters.js';
import { KNOWS_SYSCALLS, openThread, read, type ThreadReader, threadIds } from './thread.js';

/** How often a probe is sent, unless one still waits. */
const PROBE_EVERY_MS = 1000;
/** Timers fire a little early or late; a probe that has waited for nearly its time goes out now. */
const SLACK_MS = 10;
/**
 * Where it cannot be seen whether the app has used the pool, it is left alone for so long after its loop
 * began to turn.
 */
const LEFT_ALONE_MS = 5000;
/** What libuv calls the threads of its pool, from version 1.50 on, which Node.js 22 brings. */
const WORKER_NAME = 'libuv-worker';
const [uvMajor = 0, uvMinor = 0] = process.versions.uv.split('.').map(Number);
const NAMES_THREADS = process.platform === 'linux' && (uvMajor > 1 || uvMinor >= 50);

/** libuv's thread pool at one moment. All threads of the process share it. */
export interface ThreadpoolState {
  readonly size: number;
  /**
   * Threads that run something; `undefined` where the system does not tell (only Linux with Node.js 22 or
   * later does).
   */
  readonly busy: number | undefined;
  /** Milliseconds for which the probe on its way has waited; 0 if there is none. */
  readonly probePendingMs: number;
}

export interface Threadpool {
  /**
   * Counts the probe that has come back, and sends the next if it is time for it.
   * @param loopStartedAtMs when main's loop began to turn; 0: not yet
   */
  sample(nowMs: number, loopStartedAtMs: number): void;
  state(nowMs: number): ThreadpoolState;
}

/**
 * Watches libuv's pool by letting a small task queue there like any other: an `fstat` of the null device,
 * which no disk can hold up. (Random bytes would do, too, but hold up the end of the thread that waits for
 * them.)
 * @param configuredSize as `UV_THREADPOOL_SIZE` has it
 * @param suspendedBetween time of these for which the whole process stood still: not the pool's fault
 */
export function watchThreadpool(
  configuredSize: number,
  ledger: ProcessLedger,
  now: () => number,
  suspendedBetween: (fromMs: number, toMs: number) => number,
  send: (answered: () => void) => void = openProbe(),
  namesThreads: boolean = NAMES_THREADS,
): Threadpool {
  let sentAtMs = Number.NEGATIVE_INFINITY;
  let waiting = false;
  let opened = false;
  let nextCheckMs = 0;
  /** Of a probe that has come back and is not counted yet. */
  let answeredAtMs: number | undefined;
  /** From the first answer on; libuv makes all its threads at once, when the first task comes. */
  let workers: readonly ThreadReader[] | undefined;
  // An earlier sidecar may have taken its probe along.
  ledger.set('probeSentMs', 0);

  /**
   * The first task makes the pool's threads: an app may still set how many, and where there can be no more
   * threads libuv ends the process. So ours is not to be the first.
   */
  function mayProbe(nowMs: number, loopStartedAtMs: number): boolean {
    if (opened || loopStartedAtMs === 0) return opened;
    if (!namesThreads) opened = nowMs - loopStartedAtMs >= LEFT_ALONE_MS;
    else if (nowMs >= nextCheckMs) {
      nextCheckMs = nowMs + PROBE_EVERY_MS;
      opened = workerDirectories().length > 0;
    }
    return opened;
  }

  function count(waitMs: number): void {
    // A probe that waited kept others from being sent, which would have waited less and less. Without them
    // one long wait would weigh as much as one short one (HdrHistogram's "expected interval" does the same).
    let ms = Math.max(0, waitMs);
    ledger.set('probeLastMs', ms);
    do {
      const index = DELAY_BOUNDS_MS.findIndex((bound) => ms <= bound);
      if (index >= 0) ledger.add('probeBuckets', 1, index);
      if (ms > NATIVE_ZERO_MS) ledger.add('nativeProbes', 1, nativeSlotOf(ms));
      ledger.add('probeCount', 1);
      ledger.add('probeSumMs', ms);
      ms -= PROBE_EVERY_MS;
    } while (ms > 0);
  }

  return {
    sample(nowMs, loopStartedAtMs) {
      if (!mayProbe(nowMs, loopStartedAtMs)) return;
      if (answeredAtMs !== undefined) {
        count(answeredAtMs - sentAtMs - suspendedBetween(sentAtMs, answeredAtMs));
        answeredAtMs = undefined;
        workers ??= findWorkers();
      }
      if (waiting || nowMs - sentAtMs < PROBE_EVERY_MS - SLACK_MS) return;
      sentAtMs = nowMs;
      waiting = true;
      ledger.set('probeSentMs', nowMs);
      send(() => {
        answeredAtMs = now();
        waiting = false;
        ledger.set('probeSentMs', 0);
      });
    },
    state: (nowMs) => ({
      size: workers?.length || configuredSize,
      busy: workers?.length ? workers.filter(isBusy).length : undefined,
      probePendingMs: waiting ? nowMs - sentAtMs : 0,
    }),
  };
}

function openProbe(): (answered: () => void) => void {
  const descriptor = openSync(devNull, 'r');
  return (answered) => fstat(descriptor, answered);
}

/**
 * A thread without work sleeps on a futex, the pool's condition variable; what works runs, or sleeps in
 * another call.
 */
function isBusy(worker: ThreadReader): boolean {
  const now = worker.state();
  return now !== undefined && (now.state !== 'S' || now.syscall !== 'futex');
}

function findWorkers(): ThreadReader[] {
  return KNOWS_SYSCALLS ? workerDirectories().map(openThread) : [];
}

function workerDirectories(): string[] {
  return threadIds()
    .map((id) => `/proc/self/task/${id}`)
    .filter((directory) => read(`${directory}/comm`)?.trim() === WORKER_NAME);
}
