import { BroadcastChannel } from 'node:worker_threads';
import { latenessOf } from '../../src/shared/lateness.js';
import { THREADS_MAX } from '../../src/shared/layout.js';
import { hasEnded } from '../../src/shared/proc-stat.js';
import {
  type SidecarMessage,
  type Task,
  THREADS_CHANNEL,
  type ThreadMessage,
} from '../../src/shared/protocol.js';
import { isName, NAME_RULE } from '../../src/shared/rules.js';
import type { Loop } from './loop.js';

/** Where the system does not tell whether a thread is alive: after such a silence it is taken for dead. */
const SILENT_MS = 60_000;
/** And after this one another may have its name. */
const YIELDS_MS = 3000;

export interface ThreadsOptions {
  readonly watchdogId: string;
  readonly heartbeatInterval: number;
  readonly stallThreshold: number;
  readonly delayBuckets: readonly number[];
  readonly now: () => number;
  readonly watch: (thread: ThreadMessage & { type: 'join' }) => Loop;
}

/** The threads besides main that have joined. */
export interface Threads {
  loops(): readonly Loop[];
  /** Those that are still alive. */
  prune(): void;
  close(): void;
}

interface Member {
  readonly loop: Loop;
  readonly task: Task | undefined;
}

export function openThreads(options: ThreadsOptions): Threads {
  const { watchdogId: watchdog, heartbeatInterval, stallThreshold, delayBuckets } = options;
  const members = new Map<string, Member>();
  const channel = new BroadcastChannel(THREADS_CHANNEL);
  const say = (message: SidecarMessage): void => channel.postMessage(message);

  /** Why this thread cannot join, if so. */
  function refusal(thread: string, name: string): (SidecarMessage & { type: 'refused' }) | undefined {
    const others = [...members].filter(([id, member]) => id !== thread && !isDead(member, YIELDS_MS));
    const objection = objectionTo(
      name,
      others.map(([, { loop }]) => loop.name),
    );
    return objection && { type: 'refused', watchdog, thread, ...objection };
  }

  function lateMsOf({ loop }: Member): number {
    const { dueMs, lastMarkMs } = loop.stats();
    return latenessOf(options.now(), dueMs, lastMarkMs);
  }

  /** Most ends are told of, but not those by `terminate()`. */
  function isDead(member: Member, silentMs: number): boolean {
    return member.task === undefined ? lateMsOf(member) > silentMs : hasEnded(member.task);
  }

  function remove(thread: string): void {
    const member = members.get(thread);
    if (!member) return;
    members.delete(thread);
    member.loop.end(options.now());
    say({ type: 'slot-free' });
  }

  function prune(): void {
    for (const [thread, member] of members) {
      // Who beats is alive, and need not be asked for.
      if (lateMsOf(member) > 0 && isDead(member, SILENT_MS)) remove(thread);
    }
  }

  function join(message: ThreadMessage & { type: 'join' }): void {
    if (message.watchdog !== watchdog) return;
    const { thread, name, task } = message;
    const no = refusal(thread, name);
    if (no) {
      say(no);
      return;
    }
    // A dead one of that name makes place, and so does what this one was to us before.
    for (const [id, { loop }] of members) if (id === thread || loop.name === name) remove(id);
    members.set(thread, { loop: options.watch(message), task });
    say({ type: 'joined', watchdog, thread });
  }

  function hear(message: ThreadMessage): void {
    const { thread } = message;
    if (message.type === 'ask') {
      const settings = { watchdog, thread, heartbeatInterval, stallThreshold, delayBuckets };
      say(refusal(thread, message.name) ?? { type: 'settings', ...settings });
    } else if (message.type === 'join') join(message);
    else if (message.type === 'types') {
      members.get(thread)?.loop.setResourceTypes(message.resourceTypes.map(String));
    } else if (message.type === 'leave') remove(thread);
  }

  channel.onmessage = (event) => {
    const { data } = event as unknown as { data: ThreadMessage };
    // Anybody in the process may say anything here.
    if (typeof data?.thread !== 'string') return;
    try {
      hear(data);
    } catch (error) {
      // Of a copy of this package in another version, or of somebody else.
      const { thread } = data;
      const message = `This thread cannot be watched: ${error instanceof Error ? error.message : error}`;
      say({ type: 'refused', watchdog, thread, code: 'ERR_WATCHDOG_UNWATCHABLE_THREAD', message });
    }
  };
  // An earlier sidecar took its list along.
  say({ type: 'sidecar-up', watchdog });

  return {
    loops: () => [...members.values()].map(({ loop }) => loop),
    prune,
    close: () => channel.close(),
  };
}

/** @param others the names of the threads that are watched already */
function objectionTo(
  name: string,
  others: readonly string[],
): Pick<SidecarMessage & { type: 'refused' }, 'code' | 'message'> | undefined {
  const quoted = JSON.stringify(name);
  if (!isName(name)) {
    return {
      code: 'ERR_WATCHDOG_UNWATCHABLE_THREAD',
      message: `A thread's name must be ${NAME_RULE}.`,
    };
  }
  if (name === 'main' || others.includes(name)) {
    return {
      code: 'ERR_WATCHDOG_DUPLICATE_THREAD',
      message: `A thread called ${quoted} is watched already; each needs a name of its own.`,
    };
  }
  if (others.length < THREADS_MAX) return undefined;
  return {
    code: 'ERR_WATCHDOG_TOO_MANY_THREADS',
    message: `At most ${THREADS_MAX} threads besides main can be watched; ${quoted} is one too many.`,
  };
}
