import { Worker } from 'node:worker_threads';
import { openLookMark } from '../../src/shared/exit-interlock.js';
import { quietThread } from '../../src/shared/quiet-thread.js';
import type {
  InspectorAnswer,
  InspectorAnswers,
  InspectorData,
  InspectorMessage,
  InspectorRequest,
  ProfileCapture,
  ProfileRequest,
  StackCapture,
  StackRequest,
  ThreadsCapture,
  ThreadsRequest,
} from '../inspector/messages.js';
import { inspectorSource } from './inspector-source.js';

/** With nothing to capture the thread ends after this long. */
const IDLE_MS = 60_000;
/** What was seen is to be mapped to its source within this time, or stays as V8 has it. */
const MAPPING_MS = 5000;
/** The thread keeps to the deadline of a request itself; this long after it something is wrong. */
const OVERDUE_MS = 1000;
/** The thread's heap, in MiB. It reads files of up to 32 MiB, outside of the heap. */
const HEAP_MB = 192;

export interface InspectorOptions extends InspectorData {
  /** Why there can be no capture now, if so. */
  readonly whyNot: () => string | undefined;
  /** The thread that captures has ended. */
  readonly onThreadEnd: () => void;
}

/**
 * Captures what the threads of the process do, from a thread of its own: what reads, maps and profiles may
 * fail, hang or need much memory, and the port must go on answering. That thread is started when it is needed
 * and ended when it is idle; its death is an answer.
 */
export interface Inspector {
  /** Why there can be no capture now, if so: a debugger is attached, say. */
  readonly unavailable: string | undefined;
  /** A capture is likely soon: starting the thread takes 45 to 110 ms, main frozen or not. */
  prepare(): void;
  /** The stack of a thread. */
  stack(request: Omit<StackRequest, 'type'>): Promise<StackCapture>;
  /** A CPU profile of a thread. */
  profile(request: Omit<ProfileRequest, 'type'>): Promise<ProfileCapture>;
  /**
   * All threads.
   * @param withinMs settles by then, with what has been seen
   */
  threads(request: Omit<ThreadsRequest, 'type'>, withinMs: number): Promise<ThreadsCapture>;
  /** The thread that captures, as `node:worker_threads` counts; `undefined` if there is none now. */
  readonly threadId: number | undefined;
  close(): void;
}

const NO_STACK: StackCapture = { result: 'failed', frames: [], costMs: 0 };
const NO_PROFILE: ProfileCapture = { result: 'failed' };
const NO_THREADS: ThreadsCapture = { result: 'failed', threads: [], leftOut: 0 };

export function createInspector({ whyNot, onThreadEnd, ...data }: InspectorOptions): Inspector {
  const mark = openLookMark(data.interlock);
  const requests = openRequests(drop);
  let worker: Worker | undefined;
  let idle: NodeJS.Timeout | undefined;
  letExit(); // An earlier sidecar may have died in a capture.

  /** The end of the process need not wait for the capture of a thread that is gone. */
  function letExit(): void {
    if (requests.open() === 0) mark.clear();
  }

  function drop(): void {
    const dropped = worker;
    worker = undefined;
    clearTimeout(idle);
    requests.settleAll();
    // It may hang in a call of the system; nobody waits for it.
    void dropped?.terminate().then(letExit, letExit);
  }

  function start(): Worker {
    const started = startThread(data);
    started.on('message', (message: InspectorMessage) => started === worker && requests.hear(message));
    started.once('exit', () => {
      if (started === worker) drop();
      letExit();
      onThreadEnd();
    });
    return started;
  }

  /** Returns whether there is a thread: for one more there may be no memory, say. */
  function prepare(): boolean {
    clearTimeout(idle);
    try {
      worker ??= start();
    } catch {
      return false;
    }
    if (requests.open() === 0) idle = setTimeout(drop, IDLE_MS);
    return true;
  }

  async function ask<R extends InspectorRequest>(
    request: R,
    failed: InspectorAnswers[R['type']],
    withinMs?: number,
  ): Promise<InspectorAnswers[R['type']]> {
    if (whyNot() !== undefined) return { ...failed, result: 'unavailable' };
    if (!prepare()) return failed;
    clearTimeout(idle);
    const { id, answer } = requests.add(request.deadlineMs, failed);
    const limit = withinMs === undefined ? undefined : setTimeout(() => requests.settle(id), withinMs);
    worker?.postMessage({ id, request });
    const answered = await answer;
    clearTimeout(limit);
    if (worker) prepare();
    return answered as InspectorAnswers[R['type']];
  }

  return {
    get unavailable() {
      return whyNot();
    },
    // Upon a failure the capture will try again, and say so.
    prepare: () => void prepare(),
    stack: (request) => ask({ type: 'stack', ...request }, NO_STACK),
    profile: (request) => ask({ type: 'profile', ...request }, NO_PROFILE),
    threads: (request, withinMs) => ask({ type: 'threads', ...request }, NO_THREADS, withinMs),
    get threadId() {
      return worker?.threadId;
    },
    close: drop,
  };
}

/** A request under way. */
interface Waiting {
  /** What there is to answer with if the thread says nothing more. */
  fallback: InspectorAnswer;
  overdue: NodeJS.Timeout;
  readonly resolve: (answer: InspectorAnswer) => void;
}

/** The requests under way. */
interface Requests {
  open(): number;
  add(
    deadlineMs: number,
    failed: InspectorAnswer,
  ): { readonly id: number; readonly answer: Promise<InspectorAnswer> };
  hear(message: InspectorMessage): void;
  /** With what there is. */
  settle(id: number): void;
  /** Each with what there is. */
  settleAll(): void;
}

/** @param onOverdue the thread does not keep to a deadline */
function openRequests(onOverdue: () => void): Requests {
  const waiting = new Map<number, Waiting>();
  let lastId = 0;

  function settle(id: number, answer?: InspectorAnswer): void {
    const request = waiting.get(id);
    if (!request) return;
    waiting.delete(id);
    clearTimeout(request.overdue);
    request.resolve(answer ?? request.fallback);
  }

  return {
    open: () => waiting.size,
    add(deadlineMs, fallback) {
      const id = ++lastId;
      const answer = new Promise<InspectorAnswer>((resolve) => {
        const overdue = setTimeout(onOverdue, deadlineMs + OVERDUE_MS);
        waiting.set(id, { fallback, overdue, resolve });
      });
      return { id, answer };
    },
    hear(message) {
      const request = waiting.get(message.id);
      if (!request) return;
      if ('answer' in message) {
        settle(message.id, message.answer);
        return;
      }
      request.fallback = message.seen;
      clearTimeout(request.overdue);
      request.overdue = setTimeout(onOverdue, MAPPING_MS);
    },
    settle: (id) => settle(id),
    settleAll() {
      for (const id of [...waiting.keys()]) settle(id);
    },
  };
}

function startThread(workerData: InspectorData): Worker {
  const started = new Worker(inspectorSource(), {
    ...quietThread('event-loop-watchdog-inspector', HEAP_MB),
    workerData,
  });
  started.unref();
  // Out of memory, or a fault: `exit` comes next.
  started.on('error', () => {});
  return started;
}
