import { parentPort } from 'node:worker_threads';
import { now } from '../../src/shared/clock.js';
import { openLookMark } from '../../src/shared/exit-interlock.js';
import { LOOP_STATS } from '../../src/shared/layout.js';
import { printableJson } from '../../src/shared/printable.js';
import { openReader } from '../../src/shared/regions.js';
import { openThread, type ThreadReader } from '../system/thread.js';
import { createAbsence, TICK_MS } from './absence.js';
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
} from './messages.js';
import { openMounts, readMountinfo } from './mounts.js';
import { takeProfile } from './profile.js';
import { type Connection, openConnections } from './session.js';
import { NO_FILES, openSourceFiles } from './source-text.js';
import { type RawStack, takeStack } from './stack.js';
import type { Conversation } from './workers.js';

/** Answers the sidecar's requests. A fault ends the thread, which is an answer, too. */
export function answerRequests({ interlock, sourceLines, context, entry }: InspectorData): void {
  const connections = openConnections(openLookMark(interlock));
  const self = openThread('/proc/thread-self');
  const mayHang = openMounts(entry, readMountinfo());

  async function stack(request: StackRequest, onSeen: (seen: StackCapture) => void): Promise<StackCapture> {
    const { target, deadlineMs } = request;
    const files = openSourceFiles(mayHang);
    const tell = (seen: RawStack): void =>
      onSeen({ ...seen, frames: toFrames(seen.frames, { files: NO_FILES, sourceLines: false }) });
    const absence = createAbsence(now, () => runQueueOf(self));
    const ticks = setInterval(absence.tick, TICK_MS);
    const thread = target.taskDirectory === undefined ? undefined : openThread(target.taskDirectory);
    const awayMs = (): number => (thread ? runQueueOf(thread) : 0) + absence.ms();
    const currentTurn = turnsOf(target);
    const raw = await connections.use(async (connection) => {
      const conversation = await reach(connection, target, deadlineMs);
      return (
        conversation &&
        takeStack(conversation, { ...request, currentTurn, now, awayMs, context, files, onSeen: tell })
      );
    });
    clearInterval(ticks);
    if (!raw) return { result: 'unanswered', frames: [], costMs: 0 };
    return { ...raw, frames: toFrames(raw.frames, { files, sourceLines }) };
  }

  async function profile(request: ProfileRequest): Promise<ProfileCapture> {
    const { target, deadlineMs } = request;
    const taken = await connections.use(async (connection) => {
      const conversation = await reach(connection, target, deadlineMs);
      return conversation && takeProfile(conversation, { ...request, currentTurn: turnsOf(target) });
    });
    if (!taken) return { result: 'unanswered' };
    return { result: 'captured', profile: Buffer.from(printableJson(taken)) };
  }

  function answer(request: InspectorRequest, onSeen: (seen: StackCapture) => void): Promise<InspectorAnswer> {
    return request.type === 'stack' ? stack(request, onSeen) : profile(request);
  }

  parentPort?.on('message', async ({ id, request }: InspectorQuestion) => {
    const said = await answer(request, (seen) => parentPort?.postMessage({ id, seen }));
    parentPort?.postMessage({ id, answer: said });
  });
}

const runQueueOf = (thread: ThreadReader): number => thread.times()?.runQueueMs ?? 0;

/** Counts the turns of a thread's loop; always the same of one that is not under watch. */
function turnsOf({ loop }: Target): () => number {
  if (!loop) return () => 0;
  const read = openReader(LOOP_STATS, loop);
  return () => read().turns;
}

/** @returns `undefined` if the thread is not reached in time: who has started it is in native code, say */
async function reach(
  connection: Connection,
  { threadId }: Target,
  deadlineMs: number,
): Promise<Conversation | undefined> {
  if (threadId === 0) return connection.main;
  const found = connection.workers().find(threadId);
  const worker = await Promise.race([found, delay(deadlineMs)]);
  return worker?.conversation;
}
