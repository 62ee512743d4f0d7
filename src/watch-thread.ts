import { readlinkSync } from 'node:fs';
import timers from 'node:timers';
import { BroadcastChannel, isMainThread, threadId } from 'node:worker_threads';
import { WatchdogError, type WatchdogErrorCode } from './errors.js';
import type { Heartbeat } from './loop/heartbeat.js';
import { instrumentThread } from './loop/instrument.js';
import { pauseDuring } from './loop/long-work.js';
import { createLook } from './loop/look.js';
import { type Attachment, createMembership, type Settings } from './membership.js';
import { CONTEXT_RULE, contextOf } from './options/checks.js';
import { checkName } from './options/names.js';
import { show } from './options/show.js';
import { createReady } from './ready.js';
import { checkRuntime } from './runtime.js';
import { startDeadline } from './shared/deadline.js';
import { readStat } from './shared/proc-stat.js';
import {
  type SidecarMessage,
  type Task,
  THREAD_KEY,
  THREADS_CHANNEL,
  type ThreadMessage,
} from './shared/protocol.js';
import { allocateLoop } from './shared/regions.js';
import type { ThreadOptions, WatchedThread } from './types.js';
import { uniqueId } from './unique-id.js';
import { warn } from './warn.js';
import { getWatchdog } from './watchdog.js';

const { setImmediate } = timers;

/** On `globalThis`, since bundlers may load this package twice. */
const RUNNING: unique symbol = Symbol.for(THREAD_KEY) as never;
/** `look`: see `loop/look.ts`. */
type Global = typeof globalThis & { [RUNNING]?: { look(): string } | undefined };

/** How long an answer is waited for before `ready` rejects. */
const ANSWER_MS = 5000;

/**
 * Watches the event loop of this worker thread, too: its series carry `thread="<name>"`. It joins the sidecar
 * of the watchdog that runs in the process, or that is started later, without help of the main thread, which
 * may be blocked meanwhile. It leaves when the thread ends, however it ends.
 *
 * Stalls are counted, classified, looked into and told of like main's (`watchdog.on('stall')` on the main
 * thread).
 *
 * @param name value of the `thread` label, 1 to 64 characters, none of them a control character, unique in
 * the process, not "main"; at most 32 threads
 * @throws WatchdogError `ERR_WATCHDOG_INVALID_ARGUMENT`, `ERR_WATCHDOG_ALREADY_STARTED`,
 * `ERR_WATCHDOG_UNSUPPORTED_RUNTIME`, or `ERR_WATCHDOG_UNWATCHABLE_THREAD` in a thread of a Piscina pool
 * whose idle threads sleep
 * @example
 * ```ts
 * import { watchThread } from 'event-loop-watchdog';
 *
 * // In the file that the worker thread runs.
 * const watched = watchThread('parser');
 * await watched.ready;
 * ```
 */
export function watchThread(name: string, options: ThreadOptions = {}): WatchedThread {
  checkRuntime();
  checkThread(name, options);
  const ready = createReady<void>();
  const thread = uniqueId();
  const task = taskOfThisThread();
  let refused = false;
  let closed = false;

  const fail = (code: WatchdogErrorCode, message: string): void => {
    endDeadline();
    ready.reject(new WatchdogError(code, message));
  };
  const endDeadline = startDeadline(ANSWER_MS, false, () => {
    const silence = `No watchdog has answered the thread ${show(name)} within ${ANSWER_MS} ms.`;
    fail('ERR_WATCHDOG_TIMEOUT', `${silence} It joins when one is started.`);
  });
  const membership = createMembership(thread, {
    ask: () => channel.say({ type: 'ask', thread, name }),
    attach: (settings) => attach(settings, { thread, context: options?.context ?? true }, channel),
    join({ watchdog, memory, instruments }) {
      const resourceTypes = [...instruments.resourceTypes()];
      channel.say({ type: 'join', thread, name, threadId, task, watchdog, memory, resourceTypes });
    },
    joined() {
      endDeadline();
      // After the turn meter's first mark, which was set up earlier: what the app does next is counted.
      setImmediate(ready.resolve);
    },
    refused({ code, message }) {
      // It asks again whenever a thread leaves: once is enough.
      if (!refused) warn(message, code);
      refused = true;
      fail(code, message);
    },
  });
  const channel = openChannel(membership.hear);

  const close = (): void => {
    if (closed) return;
    closed = true;
    (globalThis as Global)[RUNNING] = undefined;
    process.off('exit', close);
    membership.end();
    fail('ERR_WATCHDOG_CLOSED', 'The thread is no longer watched.');
    channel.say({ type: 'leave', thread });
    channel.close();
  };
  // A normal end, `process.exit()` and an uncaught exception; of `terminate()` the system tells the sidecar.
  process.once('exit', close);
  const heartbeat = (): Heartbeat | undefined => membership.attachment()?.instruments.heartbeat;
  (globalThis as Global)[RUNNING] = { look: createLook(() => heartbeat()?.turn() ?? 0) };
  channel.say({ type: 'ask', thread, name });

  return {
    get ready() {
      return ready.promise;
    },
    pause: (work) =>
      pauseDuring(work, {
        enterPause: () => heartbeat()?.enterPause(),
        leavePause: () => heartbeat()?.leavePause(),
      }),
    close,
    [Symbol.dispose]: close,
  };
}

/** Begins to beat, as the watchdog wants it. */
function attach(
  settings: Settings,
  { thread, context }: { readonly thread: string; readonly context: boolean | (() => unknown) },
  channel: Channel,
): Attachment {
  const { watchdog, heartbeatInterval, stallThreshold, delayBuckets } = settings;
  const memory = allocateLoop();
  const instruments = instrumentThread(memory, {
    heartbeatInterval,
    stallThreshold,
    context,
    delayBuckets,
    onResourceTypes: (types) => channel.say({ type: 'types', thread, resourceTypes: [...types] }),
  });
  return { watchdog, memory, instruments };
}

interface Channel {
  say(message: ThreadMessage): void;
  close(): void;
}

/** On which threads and sidecars of the process hear each other. Does not keep the thread alive. */
function openChannel(hear: (message: SidecarMessage) => void): Channel {
  const channel = new BroadcastChannel(THREADS_CHANNEL);
  channel.onmessage = (event) => {
    const { data } = event as unknown as { data: SidecarMessage };
    // Anybody in the process may say anything here.
    if (typeof data === 'object' && data !== null) hear(data);
  };
  // After the listener, which refs the channel.
  channel.unref();
  return { say: (message) => channel.postMessage(message), close: () => channel.close() };
}

function checkThread(name: unknown, options: unknown): void {
  if (isMainThread) {
    throw new WatchdogError(
      'ERR_WATCHDOG_INVALID_ARGUMENT',
      'watchThread() is for worker threads; the main thread is watched by startWatchdog().',
    );
  }
  checkName('thread', name);
  const { atomics, context } = (options ?? {}) as ThreadOptions;
  if (atomics !== undefined && atomics !== 'disabled' && atomics !== 'async') {
    throw new WatchdogError(
      'ERR_WATCHDOG_INVALID_ARGUMENT',
      `The option "atomics" of watchThread() must be "disabled" or "async", but is ${show(atomics)}.`,
    );
  }
  if (context !== undefined && contextOf(context) === undefined) {
    throw new WatchdogError(
      'ERR_WATCHDOG_INVALID_ARGUMENT',
      `The option "context" of watchThread() must be ${CONTEXT_RULE}, but is ${show(context)}.`,
    );
  }
  if ((globalThis as Global)[RUNNING] || getWatchdog()) {
    throw new WatchdogError('ERR_WATCHDOG_ALREADY_STARTED', 'This thread is watched already.');
  }
  const { PISCINA_DISABLE_ATOMICS, PISCINA_ENABLE_ASYNC_ATOMICS } = process.env;
  const awake =
    atomics !== undefined || PISCINA_DISABLE_ATOMICS === '1' || PISCINA_ENABLE_ASYNC_ATOMICS === '1';
  if (isPiscinaThread() && !awake) {
    throw new WatchdogError(
      'ERR_WATCHDOG_UNWATCHABLE_THREAD',
      'This is a thread of a Piscina pool. While it has no task it sleeps in Atomics.wait, and its event ' +
        'loop stands still: that would look like a stall. Make the pool with { atomics: "disabled" } (or ' +
        '"async") and say the same here, watchThread(name, { atomics: "disabled" }); or watch the pool ' +
        'instead, with watchdog.watchPool().',
    );
  }
}

/** By the file that the thread was started with. A copy inside of a bundle is not recognized. */
function isPiscinaThread(): boolean {
  return /[\\/]piscina[^\\/]*[\\/]dist[\\/](src[\\/])?worker\.js$/.test(process.argv[1] ?? '');
}

/** Linux names this thread, so that the sidecar can read its accounts, and see it end. */
function taskOfThisThread(): Task | undefined {
  try {
    const directory = `/proc/self/task/${readlinkSync('/proc/thread-self').split('/').at(-1)}`;
    const startedAt = readStat(directory)?.startedAt;
    return startedAt === undefined ? undefined : { directory, startedAt };
  } catch {
    // Another system, or not permitted.
    return undefined;
  }
}
