import { threadId as ownId } from 'node:worker_threads';
import type { Frame } from '../../src/shared/stall.js';
import { ownTask } from '../system/tasks.js';
import { delay } from './conversation.js';
import type { RawFrame } from './look.js';
import type { SeenThread, Target, ThreadsCapture, ThreadsRequest } from './messages.js';
import type { Connection } from './session.js';
import { type RawStack, takeStack } from './stack.js';
import type { LookOptions } from './surroundings.js';
import { askTask } from './task.js';
import type { AttachedWorker } from './workers.js';

/** More are counted only. */
const THREADS_MAX = 256;

/** A thread as it was found, before its frames are mapped. */
interface RawThread extends Omit<SeenThread, 'frames'> {
  readonly frames: readonly RawFrame[];
}

export interface RawThreads extends Omit<ThreadsCapture, 'threads'> {
  readonly threads: readonly RawThread[];
}

export interface ThreadsOptions extends Omit<ThreadsRequest, 'type'> {
  readonly optionsOf: (target: Target) => LookOptions;
}

/** Looks at all threads side by side. Our own, which cannot be looked at from here, is among them. */
export async function takeThreads(connection: Connection, options: ThreadsOptions): Promise<RawThreads> {
  const { looks, deadlineMs } = options;
  const found = new Map<number, RawThread>();
  const pending = new Set<Promise<void>>();
  let leftOut = 0;
  let over = false;

  function look(thread: Lookable): void {
    const { threadId, name } = thread;
    const note = (more: Partial<RawThread>): void => {
      const known = found.get(threadId);
      if (known) found.set(threadId, { ...known, ...more });
    };
    const asked = looks && threadId !== ownId;
    const result = asked ? 'unanswered' : 'unasked';
    const tid = threadId === ownId ? ownTask() : undefined;
    found.set(threadId, { threadId, ...named(name), ...numbered(tid), result, frames: [] });
    if (!asked) return;
    const ended = thread.gone?.then(() => void found.delete(threadId));
    const work = Promise.race([lookInto(thread, options, note), ...(ended ? [ended] : [])]);
    pending.add(work);
    const forget = (): void => void pending.delete(work);
    // The session may be closed meanwhile, and that is for `settled` to tell.
    work.then(forget, forget);
  }

  async function settled(): Promise<void> {
    while (pending.size > 0) await Promise.all(pending);
  }

  look({ threadId: 0, conversation: connection.main });
  const workers = connection.workers();
  workers.onAttached((worker) => {
    if (over) return;
    if (found.size >= THREADS_MAX) leftOut++;
    else look(worker);
  });
  let listed = false;
  const all = workers.listed.then(() => {
    listed = true;
    return settled();
  });
  await Promise.race([all, delay(deadlineMs)]);
  over = true;
  return { result: listed ? 'captured' : 'unanswered', threads: [...found.values()], leftOut };
}

interface Lookable extends Pick<AttachedWorker, 'threadId' | 'conversation'> {
  readonly name?: string | undefined;
  readonly gone?: Promise<undefined>;
}

/** Notes what is seen of a thread as it comes in. */
async function lookInto(
  { threadId, conversation }: Lookable,
  { known, optionsOf, deadlineMs }: ThreadsOptions,
  note: (more: Partial<RawThread>) => void,
): Promise<void> {
  const target = known.find((one) => one.threadId === threadId) ?? strangerOf(threadId);
  const options = optionsOf(target);
  const noteSeen = (seen: RawStack): void => note(seenOf(seen));
  const stack = await takeStack(conversation, {
    ...options,
    turn: undefined,
    deadlineMs,
    onSeen: noteSeen,
  });
  noteSeen(stack);
  if (target.taskDirectory !== undefined || stack.result === 'unanswered') return;
  // After the look: that may have to give back a termination, and this one, too.
  note(numbered(await askTask(conversation, options.currentTurn)));
}

const named = (name: string | undefined): { name?: string } => (name === undefined ? {} : { name });
const numbered = (tid: number | undefined): { tid?: number } => (tid === undefined ? {} : { tid });

const strangerOf = (threadId: number): Target => ({ threadId, loop: undefined, taskDirectory: undefined });

const seenOf = ({ result, frames, nativeMs, request }: RawStack): Partial<RawThread> => ({
  result: result === 'captured' || result === 'late' ? result : 'unanswered',
  frames,
  ...(nativeMs !== undefined && { nativeMs }),
  ...(request && { request }),
});

/**
 * Maps the frames of all threads at once: threads of a pool run the same scripts, whose maps are gone through
 * once then, and wait at the same lines.
 */
export function mapThreads(raw: RawThreads, map: (frames: readonly RawFrame[]) => Frame[]): ThreadsCapture {
  const kinds = new Map<string, Map<string, RawFrame>>();
  for (const frame of raw.threads.flatMap(({ frames }) => frames)) {
    const places = kinds.get(kindOf(frame)) ?? new Map<string, RawFrame>();
    kinds.set(kindOf(frame), places.set(placeOf(frame), frame));
  }
  const mapped = new Map<string, Frame>();
  for (const [kind, places] of kinds) {
    const frames = map([...places.values()]);
    [...places.keys()].forEach((place, i) => {
      mapped.set(`${kind} ${place}`, frames[i] as Frame);
    });
  }
  const frameOf = (frame: RawFrame): Frame => mapped.get(`${kindOf(frame)} ${placeOf(frame)}`) as Frame;
  return { ...raw, threads: raw.threads.map((one) => ({ ...one, frames: one.frames.map(frameOf) })) };
}

/** Of one script not the same text may run in all threads: then it is none of a file. */
const kindOf = ({ inMemory, hash }: RawFrame): string => (inMemory ? `memory ${hash}` : 'file');
const placeOf = ({ url, lineNumber, columnNumber, functionName }: RawFrame): string =>
  `${lineNumber}:${columnNumber} ${url} ${functionName}`;
