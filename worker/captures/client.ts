import { Worker } from 'node:worker_threads';
import { openLookMark } from '../../src/shared/exit-interlock.js';
import type { CaptureResult } from '../../src/shared/labels.js';
import { quietThread } from '../../src/shared/quiet-thread.js';
import type {
  FollowNews,
  FollowRequest,
  InspectorAnswers,
  InspectorData,
  InspectorMessage,
  InspectorQuestion,
  InspectorRequest,
  ProfileCapture,
  ProfileRequest,
  StackCapture,
  StackRequest,
  ThreadsCapture,
  ThreadsRequest,
} from '../inspector/messages.js';
import { inspectorSource } from './inspector-source.js';
import { openRequests, type Requests } from './requests.js';

/** With nothing to capture the thread ends after this long. */
const IDLE_MS = 60_000;
/** Between two looks at one stall lies no more than this. */
const APART_MAX_MS = 60_000;
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
  /** Looks at a stall again and again until it is over. */
  follow(request: Omit<FollowRequest, 'type'>, onNews: (news: FollowNews) => void): Following;
  close(): void;
}

/** A stall that is being followed. */
export interface Following {
  /** Resolves when there is no more to come. */
  readonly over: Promise<CaptureResult>;
  /** Ends it now; what was seen is still mapped. */
  release(): void;
}

const NO_STACK: StackCapture = { result: 'failed', frames: [], costMs: 0 };
const FAILED = { result: 'failed' } as const;
const NO_THREADS: ThreadsCapture = { result: 'failed', threads: [], leftOut: 0 };

export function createInspector({ whyNot, onThreadEnd, ...data }: InspectorOptions): Inspector {
  const thread = keepThread(data, onThreadEnd);
  const { requests } = thread;

  async function ask<R extends InspectorRequest>(
    request: R,
    failed: InspectorAnswers[R['type']],
    withinMs?: number,
  ): Promise<InspectorAnswers[R['type']]> {
    if (whyNot() !== undefined) return { ...failed, result: 'unavailable' };
    if (!thread.prepare()) return failed;
    const { id, answer } = requests.add(request.deadlineMs, failed);
    const limit = withinMs === undefined ? undefined : setTimeout(() => requests.settle(id), withinMs);
    thread.say({ id, request });
    const answered = await answer;
    clearTimeout(limit);
    thread.rest();
    return answered as InspectorAnswers[R['type']];
  }

  function follow(request: Omit<FollowRequest, 'type'>, onNews: (news: FollowNews) => void): Following {
    if (!thread.prepare()) return { over: Promise.resolve('failed'), release() {} };
    const { id, answer } = requests.add(request.deadlineMs + APART_MAX_MS, FAILED, onNews);
    thread.say({ id, request: { type: 'follow', ...request } });
    return {
      over: answer.then(({ result }) => {
        thread.rest();
        return result;
      }),
      release() {
        requests.hurry(id);
        thread.say({ id, release: true });
      },
    };
  }

  return {
    get unavailable() {
      return whyNot();
    },
    prepare() {
      // Upon a failure the capture will try again, and say so.
      if (thread.prepare()) thread.rest();
    },
    stack: (request) => ask({ type: 'stack', ...request }, NO_STACK),
    profile: (request) => ask({ type: 'profile', ...request }, FAILED),
    threads: (request, withinMs) => ask({ type: 'threads', ...request }, NO_THREADS, withinMs),
    follow,
    get threadId() {
      return thread.id();
    },
    close: thread.drop,
  };
}

/** The thread that captures, as long as there is something to do for it. */
interface KeptThread {
  readonly requests: Requests;
  /** Returns whether there is one: for one more there may be no memory, say. */
  prepare(): boolean;
  say(question: InspectorQuestion): void;
  /** One thing less to do: without another it ends after a while. */
  rest(): void;
  id(): number | undefined;
  drop(): void;
}

function keepThread(data: InspectorData, onEnd: () => void): KeptThread {
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
      onEnd();
    });
    return started;
  }

  return {
    requests,
    prepare() {
      clearTimeout(idle);
      try {
        worker ??= start();
        return true;
      } catch {
        return false;
      }
    },
    say: (question) => worker?.postMessage(question),
    rest() {
      clearTimeout(idle);
      if (worker && requests.open() === 0) idle = setTimeout(drop, IDLE_MS);
    },
    id: () => worker?.threadId,
    drop,
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
