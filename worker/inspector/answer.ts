import { parentPort } from 'node:worker_threads';
import { now } from '../../src/shared/clock.js';
import { openLookMark } from '../../src/shared/exit-interlock.js';
import { LOOP_STATS } from '../../src/shared/layout.js';
import { printableJson } from '../../src/shared/printable.js';
import { openReader } from '../../src/shared/regions.js';
import { openThread, type ThreadReader } from '../system/thread.js';
import { createAbsence, TICK_MS } from './absence.js';
import { toFrames } from './frames.js';
import type {
  InspectorData,
  InspectorMessage,
  InspectorRequest,
  ProfileCapture,
  StackCapture,
} from './messages.js';
import { openMounts, readMountinfo } from './mounts.js';
import { takeProfile } from './profile.js';
import { withSession } from './session.js';
import { NO_FILES, openSourceFiles } from './source-text.js';
import { type RawStack, takeStack } from './stack.js';

/** Answers the sidecar's requests, one after another. A fault ends the thread, which is an answer, too. */
export function answerRequests({ loop, interlock, sourceLines, entry }: InspectorData): void {
  const readLoop = openReader(LOOP_STATS, loop);
  const currentTurn = (): number => readLoop().turns;
  const mark = openLookMark(interlock);
  const main = openThread(`/proc/self/task/${process.pid}`);
  const self = openThread('/proc/thread-self');
  const runQueueOf = (thread: ThreadReader): number => thread.times()?.runQueueMs ?? 0;
  const mayHang = openMounts(entry, readMountinfo());
  const say = (message: InspectorMessage): void => parentPort?.postMessage(message);

  async function stack(request: InspectorRequest & { type: 'stack' }): Promise<StackCapture> {
    const files = openSourceFiles(mayHang);
    const onSeen = (seen: RawStack): void =>
      say({ seen: { ...seen, frames: toFrames(seen.frames, { files: NO_FILES, sourceLines: false }) } });
    const absence = createAbsence(now, () => runQueueOf(self));
    const ticks = setInterval(absence.tick, TICK_MS);
    const awayMs = (): number => runQueueOf(main) + absence.ms();
    const raw = await withSession(mark, (session) =>
      takeStack(session, { ...request, currentTurn, now, awayMs, files, onSeen }),
    );
    clearInterval(ticks);
    if (!raw) return { result: 'unanswered', frames: [], costMs: 0 };
    return { ...raw, frames: toFrames(raw.frames, { files, sourceLines }) };
  }

  async function profile(request: InspectorRequest & { type: 'profile' }): Promise<ProfileCapture> {
    const taken = await withSession(mark, (session) => takeProfile(session, { ...request, currentTurn }));
    if (!taken) return { result: 'unanswered' };
    return { result: 'captured', profile: Buffer.from(printableJson(taken)) };
  }

  parentPort?.on('message', async (request: InspectorRequest) => {
    say({ answer: await (request.type === 'stack' ? stack(request) : profile(request)) });
  });
}
