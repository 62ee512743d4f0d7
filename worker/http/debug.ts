import type { ServerResponse } from 'node:http';
import type { Frame } from '../../src/shared/protocol.js';
import type { Capturer, RawFrame } from '../stalls/capture.js';
import { send, sendJson, sendProblem } from './respond.js';
import type { Handler } from './server.js';

export interface DebugOptions {
  readonly capturer: Capturer;
  readonly toFrames: (raw: readonly RawFrame[]) => Frame[];
  readonly count: (kind: 'stack' | 'cpu_profile', result: 'captured' | 'unanswered' | 'unavailable') => void;
}

/** How long main may take to answer. */
const ANSWER_MS = 5000;
const PROFILE_DEFAULT_S = 5;
const PROFILE_MAX_S = 30;
const NO_ANSWER =
  'The main thread did not answer: it is in native code or in a system call, or it does not run at all.';

/** Looks at the main thread when asked, blocked in JavaScript or not. One at a time. */
export function createDebugHandlers({ capturer, toFrames, count }: DebugOptions): {
  readonly stack: Handler;
  readonly profile: Handler;
} {
  /** Answers why there can be no capture now, if there can be none. */
  function refused(response: ServerResponse, kind: 'stack' | 'cpu_profile'): boolean {
    if (!capturer.available) {
      count(kind, 'unavailable');
      const reason = 'a debugger is attached, or this process cannot be inspected (permission model, build).';
      sendProblem(response, 503, `There can be no capture: ${reason}`);
    } else if (capturer.busy) {
      sendProblem(response, 429, 'Another capture is under way.', { 'Retry-After': '5' });
    } else return false;
    return true;
  }

  return {
    async stack(_request, response) {
      if (refused(response, 'stack')) return;
      const { result, frames, costMs } = await capturer.stack(undefined, ANSWER_MS);
      count('stack', result === 'captured' ? 'captured' : 'unanswered');
      if (result !== 'captured') sendProblem(response, 504, NO_ANSWER);
      else sendJson(response, 200, { frames: toFrames(frames), costMs });
    },

    async profile(_request, response, { query }) {
      const seconds = Number(query.get('seconds') ?? PROFILE_DEFAULT_S);
      if (!(seconds >= 1 && seconds <= PROFILE_MAX_S)) {
        sendProblem(response, 400, `seconds must be a number from 1 to ${PROFILE_MAX_S}.`);
        return;
      }
      if (refused(response, 'cpu_profile')) return;
      // Nothing is to be sent for so long, and that is all right.
      response.setTimeout(seconds * 1000 + 2 * ANSWER_MS);
      const profile = await capturer.profile(seconds * 1000, seconds * 1000 + ANSWER_MS);
      count('cpu_profile', profile ? 'captured' : 'unanswered');
      if (!profile) {
        sendProblem(response, 504, NO_ANSWER);
        return;
      }
      send(response, 200, 'application/json', JSON.stringify(profile), {
        'Content-Disposition': `attachment; filename="main-${process.pid}-${Date.now()}.cpuprofile"`,
      });
    },
  };
}
