import { EventEmitter } from 'node:events';
import type { InspectorNotification, NodeWorker } from 'node:inspector';
import { now } from '../../src/shared/clock.js';
import type { Conversation } from './conversation.js';

/** A worker thread of the process, whoever started it. */
export interface AttachedWorker {
  /** As `node:worker_threads` counts. */
  readonly threadId: number;
  /** What the `Worker` was called; `undefined` if nothing. */
  readonly name: string | undefined;
  readonly conversation: Conversation;
  /** Settles when it has ended. */
  readonly gone: Promise<undefined>;
}

/**
 * The worker threads behind a conversation, and those that they have started. What is said to them goes
 * through the thread that started them: while that is in native code there is no answer.
 */
export interface Workers {
  /** Those that have answered so far. */
  attached(): readonly AttachedWorker[];
  /** Waits for one. */
  find(threadId: number): Promise<AttachedWorker>;
  /** Settles once all that there are have been attached to. */
  readonly listed: Promise<void>;
  /** Calls `listener` for each, also for those that are attached by now. */
  onAttached(listener: (worker: AttachedWorker) => void): void;
  close(): void;
}

export function openWorkers(main: Conversation): Workers {
  const workers = new Map<number, AttachedWorker>();
  const listeners = new Set<(worker: AttachedWorker) => void>();
  const parents: Conversation[] = [];

  function attach(parent: Conversation): Promise<void> {
    parents.push(parent);
    return followWorkers(parent, {
      onAttached(worker) {
        workers.set(worker.threadId, worker);
        for (const listener of listeners) listener(worker);
        void attach(worker.conversation);
      },
      onGone: (threadId) => void workers.delete(threadId),
    });
  }

  // Main names also those that other threads have started.
  const listed = attach(main);
  const onAttached = (listener: (worker: AttachedWorker) => void): void => {
    listeners.add(listener);
    for (const worker of workers.values()) listener(worker);
  };
  return {
    attached: () => [...workers.values()],
    find: (threadId) =>
      new Promise((resolve) => onAttached((worker) => worker.threadId === threadId && resolve(worker))),
    listed,
    onAttached,
    close() {
      for (const { conversation } of workers.values()) conversation.post('Runtime.discardConsoleEntries');
      // The innermost first: an answer would come through those outside of it.
      for (const parent of parents.reverse()) parent.post('NodeWorker.disable');
    },
  };
}

interface Follower {
  onAttached(worker: AttachedWorker): void;
  onGone(threadId: number): void;
}

interface Relay {
  readonly threadId: number;
  readonly hear: (message: string) => void;
  readonly end: () => void;
}

/** Follows the threads that one thread has started. Settles when it has named all. */
function followWorkers(parent: Conversation, { onAttached, onGone }: Follower): Promise<void> {
  const relays = new Map<string, Relay>();
  parent.on('NodeWorker.attachedToWorker', ({ params }) => {
    const { sessionId, workerInfo } = params as NodeWorker.AttachedToWorkerEventDataType;
    const { conversation, hear, end } = openRelayed(parent, sessionId);
    const { threadId, name } = readTitle(workerInfo.title);
    const gone = new Promise<undefined>((resolve) => {
      relays.set(sessionId, {
        threadId,
        hear,
        end() {
          end();
          resolve(undefined);
        },
      });
    });
    onAttached({ threadId, name, conversation, gone });
  });
  parent.on('NodeWorker.receivedMessageFromWorker', ({ params }) =>
    relays.get(params.sessionId)?.hear(params.message),
  );
  parent.on('NodeWorker.detachedFromWorker', ({ params }) => {
    const gone = relays.get(params.sessionId);
    relays.delete(params.sessionId);
    if (!gone) return;
    gone.end();
    onGone(gone.threadId);
  });
  return new Promise((resolve) => {
    parent.post('NodeWorker.enable', { waitForDebuggerOnStart: false }, () => resolve());
  });
}

/** What Node.js calls those that were given no name. */
const UNNAMED = 'WorkerThread';

/**
 * The `workerId` of the protocol counts those that were attached to, in any order; the title has the number
 * by which `node:worker_threads` knows the thread.
 * @param title such as `[worker 3] resize`
 */
export function readTitle(title: string): { readonly threadId: number; readonly name: string | undefined } {
  const [, threadId, name] = /^\[worker (\d+)\] ?(.*)$/s.exec(title) ?? [];
  return { threadId: Number(threadId), name: name === UNNAMED ? undefined : name || undefined };
}

type Answered = (error: Error | null, result?: object) => void;

/** A conversation that goes through another thread. Behaves as a `Session` does. */
function openRelayed(
  parent: Conversation,
  sessionId: string,
): { readonly conversation: Conversation; hear(message: string): void; end(): void } {
  const events = new EventEmitter();
  const waiting = new Map<number, Answered>();
  let lastId = 0;
  let reachedMs: number | undefined;

  function post(method: string, params?: object | Answered, answered?: Answered): void {
    const id = ++lastId;
    const done = typeof params === 'function' ? (params as Answered) : answered;
    if (done) waiting.set(id, done);
    const message = JSON.stringify({ id, method, ...(typeof params === 'object' && { params }) });
    parent.post('NodeWorker.sendMessageToWorker', { sessionId, message }, (error) => {
      if (!error) {
        reachedMs = now();
        return;
      }
      waiting.delete(id);
      done?.(error);
    });
  }

  return {
    conversation: Object.assign(events, {
      post,
      reachedMs: () => reachedMs,
      unsettled: parent.unsettled,
    }) as unknown as Conversation,
    hear(text) {
      const message = JSON.parse(text) as { id?: number; result?: object; error?: { message: string } };
      if (message.id === undefined) {
        const notification = message as unknown as InspectorNotification<object>;
        events.emit('inspectorNotification', notification);
        events.emit(notification.method, notification);
        return;
      }
      const done = waiting.get(message.id);
      waiting.delete(message.id);
      done?.(message.error ? new Error(message.error.message) : null, message.result);
    },
    /** Who waits for an answer of the thread, which is gone, would wait for ever. */
    end() {
      const unanswered = [...waiting.values()];
      waiting.clear();
      for (const done of unanswered) done(new Error('The thread is gone'));
    },
  };
}
