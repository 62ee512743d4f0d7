import { EventEmitter } from 'node:events';
import type { InspectorNotification, NodeWorker, Session } from 'node:inspector';

/** V8's protocol with one thread. */
export type Conversation = Pick<Session, 'post' | 'on' | 'once' | 'off'>;

/** A worker thread of the process, whoever started it. */
export interface AttachedWorker {
  /** As `node:worker_threads` counts. */
  readonly threadId: number;
  /** As Node.js names it: `[worker 3] name`; 3 is the id. */
  readonly title: string;
  /** Its program. */
  readonly url: string;
  readonly conversation: Conversation;
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
  /** Calls `listener` for each, also for those that are attached by now. */
  onAttached(listener: (worker: AttachedWorker) => void): void;
  close(): void;
}

export function openWorkers(main: Conversation): Workers {
  const workers = new Map<number, AttachedWorker>();
  const listeners = new Set<(worker: AttachedWorker) => void>();
  const parents: Conversation[] = [];

  function attach(parent: Conversation): void {
    parents.push(parent);
    followWorkers(parent, {
      onAttached(worker) {
        workers.set(worker.threadId, worker);
        for (const listener of listeners) listener(worker);
        attach(worker.conversation);
      },
      onGone: (threadId) => void workers.delete(threadId),
    });
  }

  attach(main);
  const onAttached = (listener: (worker: AttachedWorker) => void): void => {
    listeners.add(listener);
    for (const worker of workers.values()) listener(worker);
  };
  return {
    attached: () => [...workers.values()],
    find: (threadId) =>
      new Promise((resolve) => onAttached((worker) => worker.threadId === threadId && resolve(worker))),
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

/** Follows the threads that one thread has started. */
function followWorkers(parent: Conversation, { onAttached, onGone }: Follower): void {
  const relays = new Map<string, { readonly threadId: number; hear(message: string): void }>();
  parent.on('NodeWorker.attachedToWorker', ({ params }) => {
    const { sessionId, workerInfo } = params as NodeWorker.AttachedToWorkerEventDataType;
    const { conversation, hear } = openRelayed(parent, sessionId);
    const threadId = threadIdOf(workerInfo);
    relays.set(sessionId, { threadId, hear });
    onAttached({ threadId, title: workerInfo.title, url: workerInfo.url, conversation });
  });
  parent.on('NodeWorker.receivedMessageFromWorker', ({ params }) =>
    relays.get(params.sessionId)?.hear(params.message),
  );
  parent.on('NodeWorker.detachedFromWorker', ({ params }) => {
    const gone = relays.get(params.sessionId);
    relays.delete(params.sessionId);
    if (gone) onGone(gone.threadId);
  });
  parent.post('NodeWorker.enable', { waitForDebuggerOnStart: false });
}

/**
 * A thread's id is in its title only: `workerId` counts the attachments of a process, whose order is by
 * chance. NaN if Node.js should name them otherwise one day: then the thread is nobody's.
 */
function threadIdOf({ title }: NodeWorker.WorkerInfo): number {
  return Number(/^\[worker (\d+)\]/.exec(title)?.[1]);
}

type Answered = (error: Error | null, result?: object) => void;

/** A conversation that goes through another thread. Behaves as a `Session` does. */
function openRelayed(
  parent: Conversation,
  sessionId: string,
): { readonly conversation: Conversation; hear(message: string): void } {
  const events = new EventEmitter();
  const waiting = new Map<number, Answered>();
  let lastId = 0;

  function post(method: string, params?: object | Answered, answered?: Answered): void {
    const id = ++lastId;
    const done = typeof params === 'function' ? (params as Answered) : answered;
    if (done) waiting.set(id, done);
    const message = JSON.stringify({ id, method, ...(typeof params === 'object' && { params }) });
    parent.post('NodeWorker.sendMessageToWorker', { sessionId, message }, (error) => {
      if (!error) return;
      waiting.delete(id);
      done?.(error);
    });
  }

  return {
    conversation: Object.assign(events, { post }) as unknown as Conversation,
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
  };
}
