import { parentPort } from 'node:worker_threads';
import { now } from '../../src/shared/clock.js';
import { openLookMark } from '../../src/shared/exit-interlock.js';
import { printableJson } from '../../src/shared/printable.js';
import { delay } from './conversation.js';
import { follow } from './follow.js';
import { toFrames } from './frames.js';
import type {
  FollowEnd,
  FollowRequest,
  InspectorAnswer,
  InspectorData,
  InspectorMessage,
  InspectorQuestion,
  InspectorRequest,
  ProfileCapture,
  ProfileRequest,
  StackCapture,
  StackRequest,
  Target,
  ThreadsCapture,
  ThreadsRequest,
} from './messages.js';
import { openMounts, readMountinfo } from './mounts.js';
import { takeProfile } from './profile.js';
import { type Connection, type Connections, openConnections } from './session.js';
import { NO_FILES, openSourceFiles, type SourceFiles } from './source-text.js';
import { type RawStack, takeStack } from './stack.js';
import { inSurroundings, turnsOf } from './surroundings.js';
import { mapThreads, takeThreads } from './threads.js';
import type { AttachedWorker } from './workers.js';

/** Answers the sidecar's requests. A fault ends the thread, which is an answer, too. */
export function answerRequests(data: InspectorData): void {
  const mayHang = openMounts(data.entry, readMountinfo());
  const ground: Ground = {
    ...data,
    connections: openConnections(openLookMark(data.interlock)),
    openFiles: () => openSourceFiles(mayHang),
  };
  /** Stalls that are followed, by the number of the request. */
  const followed = new Map<number, AbortController>();

  function answer(id: number, request: InspectorRequest): Promise<InspectorAnswer> {
    if (request.type === 'stack') return stack(ground, id, request);
    if (request.type === 'profile') return profile(ground, request);
    if (request.type === 'threads') return threads(ground, id, request);
    const release = new AbortController();
    followed.set(id, release);
    return followStall(ground, id, request, release.signal).finally(() => followed.delete(id));
  }

  parentPort?.on('message', async (question: InspectorQuestion) => {
    const { id } = question;
    if ('release' in question) followed.get(id)?.abort();
    else say({ id, answer: await answer(id, question.request) });
  });
}

const say = (message: InspectorMessage): void => parentPort?.postMessage(message);

/** What all answers rest on. */
interface Ground extends Pick<InspectorData, 'sourceLines' | 'context'> {
  readonly connections: Connections;
  readonly openFiles: () => SourceFiles;
}

/** Frames as V8 has them: in case that mapping them fails. */
const UNMAPPED = { files: NO_FILES, sourceLines: false };

async function stack(ground: Ground, id: number, request: StackRequest): Promise<StackCapture> {
  const { connections, openFiles, context, sourceLines } = ground;
  const { target, deadlineMs } = request;
  const files = openFiles();
  const onSeen = ({ seenMs, ...seen }: RawStack): void =>
    say({ id, seen: { ...seen, frames: toFrames(seen.frames, UNMAPPED) } });
  const raw = await inSurroundings({ files, context }, (optionsOf) =>
    connections.use(async (connection) => {
      const reached = await reach(connection, target, deadlineMs);
      if (!reached) return undefined;
      const taken = takeStack(reached.conversation, { ...request, ...optionsOf(target), onSeen });
      return Promise.race([taken, reached.gone]);
    }),
  );
  if (!raw) return { result: 'unanswered', frames: [], costMs: 0 };
  const { seenMs, ...seen } = raw;
  return { ...seen, frames: toFrames(raw.frames, { files, sourceLines }) };
}

async function profile({ connections }: Ground, request: ProfileRequest): Promise<ProfileCapture> {
  const { target, deadlineMs } = request;
  const taken = await connections.use(async (connection) => {
    const reached = await reach(connection, target, deadlineMs);
    if (!reached) return undefined;
    const profiled = takeProfile(reached.conversation, { ...request, currentTurn: turnsOf(target) });
    return Promise.race([profiled, reached.gone]);
  });
  if (!taken) return { result: 'unanswered' };
  return { result: 'captured', profile: Buffer.from(printableJson(taken)) };
}

async function threads(ground: Ground, id: number, request: ThreadsRequest): Promise<ThreadsCapture> {
  const { connections, openFiles, context, sourceLines } = ground;
  const files = openFiles();
  const raw = await inSurroundings({ files, context }, (optionsOf) =>
    connections.use((connection) => takeThreads(connection, { ...request, optionsOf })),
  );
  if (!raw) return { result: 'unanswered', threads: [], leftOut: 0 };
  say({ id, seen: { ...mapThreads(raw, (frames) => toFrames(frames, UNMAPPED)), unmapped: true } });
  return mapThreads(raw, (frames) => toFrames(frames, { files, sourceLines }));
}

function followStall(
  { connections, openFiles, context, sourceLines }: Ground,
  id: number,
  request: FollowRequest,
  released: AbortSignal,
): Promise<FollowEnd> {
  const { target, deadlineMs } = request;
  return follow({
    ...request,
    connections,
    reach: (connection) => reach(connection, target, deadlineMs),
    currentTurn: turnsOf(target),
    now,
    files: openFiles(),
    context,
    sourceLines,
    released,
    onNews: (news) => say({ id, news }),
  });
}

/** @returns `undefined` if the thread is not reached in time: who has started it is in native code, say */
async function reach(
  connection: Connection,
  { threadId }: Target,
  deadlineMs: number,
): Promise<Pick<AttachedWorker, 'conversation' | 'gone'> | undefined> {
  if (threadId === 0) return { conversation: connection.main, gone: new Promise(() => {}) };
  return Promise.race([connection.workers().find(threadId), delay(deadlineMs)]);
}
