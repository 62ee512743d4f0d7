import { Worker } from 'node:worker_threads';
import { openLookMark } from '../../src/shared/exit-interlock.js';
import { quietThread } from '../../src/shared/quiet-thread.js';
import type {
  InspectorAnswer,
  InspectorData,
  InspectorMessage,
  InspectorRequest,
  ProfileCapture,
  StackCapture,
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
  /** Why the main thread cannot be captured now, if so. */
  readonly whyNot: () => string | undefined;
  /** The thread that captures has ended. */
  readonly onThreadEnd: () => void;
}

/**
 * Captures what the main thread does, from a thread of its own: what reads, maps and profiles may fail, hang
 * or need much memory, and the port must go on answering. That thread is started when it is needed and ended
 * when it is idle; its death is an answer. One capture at a time.
 */
export interface Inspector {
  readonly busy: boolean;
  /** Why there can be no capture now, if so: a debugger is attached, say. */
  readonly unavailable: string | undefined;
  /** A capture is likely soon: starting the thread takes 45 to 110 ms, main frozen or not. */
  prepare(): void;
  /**
   * The stack of the main thread.
   * @param turn accept frames of this turn only; `undefined`: of any
   * @param deadlineMs give up after this long
   */
  stack(turn: number | undefined, deadlineMs: number): Promise<StackCapture>;
  /** A CPU profile of the main thread. */
  profile(durationMs: number, deadlineMs: number): Promise<ProfileCapture>;
  close(): void;
}

/** A request under way. */
interface Request {
  /** What there is to answer with if the thread says nothing more. */
  fallback: InspectorAnswer;
  overdue: NodeJS.Timeout | undefined;
  readonly resolve: (answer: InspectorAnswer) => void;
}

const NO_STACK: StackCapture = { result: 'failed', frames: [], costMs: 0 };
const NO_PROFILE: ProfileCapture = { result: 'failed' };

export function createInspector({ whyNot, onThreadEnd, ...data }: InspectorOptions): Inspector {
  const mark = openLookMark(data.interlock);
  let worker: Worker | undefined;
  let request: Request | undefined;
  let idle: NodeJS.Timeout | undefined;
  letExit(); // An earlier sidecar may have died in a capture.

  /** The end of the process need not wait for the capture of a thread that is gone. */
  function letExit(): void {
    if (!request) mark.clear();
  }

  function settle(answer: InspectorAnswer | undefined): void {
    clearTimeout(request?.overdue);
    request?.resolve(answer ?? request.fallback);
    request = undefined;
  }

  function drop(): void {
    const dropped = worker;
    worker = undefined;
    clearTimeout(idle);
    settle(undefined);
    // It may hang in a call of the system; nobody waits for it.
    void dropped?.terminate().then(letExit, letExit);
  }

  function hear(from: Worker, message: InspectorMessage): void {
    if (!request || from !== worker) return;
    if ('answer' in message) {
      settle(message.answer);
      return;
    }
    request.fallback = message.seen;
    clearTimeout(request.overdue);
    request.overdue = setTimeout(drop, MAPPING_MS);
  }

  function start(): Worker {
    const started = startThread(data);
    started.on('message', (message: InspectorMessage) => hear(started, message));
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
    idle = setTimeout(drop, IDLE_MS);
    return true;
  }

  async function ask<T extends InspectorAnswer>(question: InspectorRequest, failed: T): Promise<T> {
    if (request || whyNot() !== undefined) return { ...failed, result: 'unavailable' };
    if (!prepare()) return failed;
    clearTimeout(idle);
    worker?.postMessage(question);
    const answer = await new Promise<InspectorAnswer>((resolve) => {
      const overdue = setTimeout(drop, question.deadlineMs + OVERDUE_MS);
      request = { fallback: failed, overdue, resolve };
    });
    if (worker) prepare();
    return answer as T;
  }

  return {
    get busy() {
      return request !== undefined;
    },
    get unavailable() {
      return whyNot();
    },
    // Upon a failure the capture will try again, and say so.
    prepare: () => void prepare(),
    stack: (turn, deadlineMs) => ask({ type: 'stack', turn, deadlineMs }, NO_STACK),
    profile: (durationMs, deadlineMs) => ask({ type: 'profile', durationMs, deadlineMs }, NO_PROFILE),
    close: drop,
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
