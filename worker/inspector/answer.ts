import { parentPort } from 'node:worker_threads';
import { now } from '../../src/shared/clock.js';
import { HEART, openReader } from '../../src/shared/layout.js';
import { printableJson } from '../../src/shared/printable.js';
import { type FrameOptions, toFrames } from './frames.js';
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
import { openSourceFiles } from './source-text.js';
import { takeStack } from './stack.js';

/** Answers the sidecar's requests, one after another. A fault ends the thread, which is an answer, too. */
export function answerRequests({ loop, gate, sourceLines, entry }: InspectorData): void {
  const readLoop = openReader(HEART, loop);
  const currentTurn = (): number => readLoop().turns;
  const marks = new Int32Array(gate);
  const mayHang = openMounts(entry, readMountinfo());
  const say = (message: InspectorMessage): void => parentPort?.postMessage(message);

  async function stack(request: InspectorRequest & { type: 'stack' }): Promise<StackCapture> {
    const raw = await withSession(marks, (session) => takeStack(session, { ...request, currentTurn, now }));
    if (!raw) return { result: 'unanswered', frames: [], costMs: 0 };
    if (raw.frames.length > 0) say({ seen: { ...raw, frames: toFrames(raw.frames, NO_FILES) } });
    const sources = { files: openSourceFiles(mayHang), sourceLines };
    return { ...raw, frames: toFrames(raw.frames, sources) };
  }

  async function profile(request: InspectorRequest & { type: 'profile' }): Promise<ProfileCapture> {
    const taken = await withSession(marks, (session) => takeProfile(session, { ...request, currentTurn }));
    if (!taken) return { result: 'unanswered' };
    return { result: 'captured', profile: Buffer.from(printableJson(taken)) };
  }

  parentPort?.on('message', async (request: InspectorRequest) => {
    say({ answer: await (request.type === 'stack' ? stack(request) : profile(request)) });
  });
}

/** Frames as V8 has them. */
const NO_FILES: FrameOptions = {
  files: { read: () => undefined, tail: () => undefined },
  sourceLines: false,
};
