import { parentPort } from 'node:worker_threads';
import { openLookMark } from '../../src/shared/exit-interlock.js';
import { printableJson } from '../../src/shared/printable.js';
import { toFrames } from './frames.js';
import { delay } from './look.js';
import type {
  InspectorAnswer,
  InspectorData,
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
import { type Connection, openConnections } from './session.js';
import { NO_FILES, openSourceFiles } from './source-text.js';
import { type RawStack, takeStack } from './stack.js';
import { inSurroundings, turnsOf } from './surroundings.js';
import { mapThreads, takeThreads } from './threads.js';
import type { AttachedWorker } from './workers.js';

/** Answers the sidecar's requests. A fault ends the thread, which is an answer, too. */
export function answerRequests({ interlock, sourceLines, context, entry }: InspectorData): void {
  const connections = openConnections(openLookMark(interlock));
  const mayHang = openMounts(entry, readMountinfo());

  async function stack(request: StackRequest, onSeen: (seen: StackCapture) => void): Promise<StackCapture> {
    const { target, deadlineMs } = request;
    const files = openSourceFiles(mayHang);
    const tell = (seen: RawStack): void =>
      onSeen({ ...seen, frames: toFrames(seen.frames, { files: NO_FILES, sourceLines: false }) });
    const raw = await inSurroundings({ files, context }, (optionsOf) =>
      connections.use(async (connection) => {
        const reached = await reach(connection, target, deadlineMs);
        if (!reached) return undefined;
        const taken = takeStack(reached.conversation, { ...request, ...optionsOf(target), onSeen: tell });
        return Promise.race([taken, reached.gone]);
      }),
    );
    if (!raw) return { result: 'unanswered', frames: [], costMs: 0 };
    return { ...raw, frames: toFrames(raw.frames, { files, sourceLines }) };
  }

  async function profile(request: ProfileRequest): Promise<ProfileCapture> {
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

  async function threads(
    request: ThreadsRequest,
    onSeen: (seen: ThreadsCapture) => void,
  ): Promise<ThreadsCapture> {
    const files = openSourceFiles(mayHang);
    const raw = await inSurroundings({ files, context }, (optionsOf) =>
      connections.use((connection) => takeThreads(connection, { ...request, optionsOf })),
    );
    if (!raw) return { result: 'unanswered', threads: [], leftOut: 0 };
    onSeen(mapThreads(raw, (frames) => toFrames(frames, { files: NO_FILES, sourceLines: false })));
    return mapThreads(raw, (frames) => toFrames(frames, { files, sourceLines }));
  }

  function answer(request: InspectorRequest, onSeen: (seen: Seen) => void): Promise<InspectorAnswer> {
    if (request.type === 'threads') return threads(request, onSeen);
    return request.type === 'stack' ? stack(request, onSeen) : profile(request);
  }

  parentPort?.on('message', async ({ id, request }: InspectorQuestion) => {
    const said = await answer(request, (seen) => parentPort?.postMessage({ id, seen }));
    parentPort?.postMessage({ id, answer: said });
  });
}

type Seen = StackCapture | ThreadsCapture;

/** @returns `undefined` if the thread is not reached in time: who has started it is in native code, say */
async function reach(
  connection: Connection,
  { threadId }: Target,
  deadlineMs: number,
): Promise<Pick<AttachedWorker, 'conversation' | 'gone'> | undefined> {
  if (threadId === 0) return { conversation: connection.main, gone: new Promise(() => {}) };
  return Promise.race([connection.workers().find(threadId), delay(deadlineMs)]);
}
