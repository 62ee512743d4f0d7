import type { ServerResponse } from 'node:http';
import type { CaptureKind, CaptureResult } from '../../src/shared/labels.js';
import type { Inspector } from '../captures/client.js';
import type { Target } from '../inspector/messages.js';
import { send, sendJson, sendProblem } from './respond.js';
import type { Handler } from './router.js';

export interface DebugOptions {
  readonly inspector: Inspector;
  /** The main thread. */
  readonly main: Target;
  readonly count: (kind: CaptureKind, result: CaptureResult) => void;
}

/** How long main may take to answer. */
const ANSWER_MS = 5000;
const PROFILE_DEFAULT_S = 5;
const PROFILE_MAX_S = 30;
const NO_ANSWER =
  'The main thread did not answer: it is in native code or in a system call, or it does not run at all.';
const FAILED = 'The capture failed: its thread ended, by a fault or for want of memory. Another may succeed.';

function failureOf(result: CaptureResult): [status: number, detail: string] {
  return result === 'failed' ? [500, FAILED] : [504, NO_ANSWER];
}

/** Looks at the main thread when asked, blocked in JavaScript or not. One at a time. */
export function createDebugHandlers({ inspector, main, count }: DebugOptions): {
  readonly stack: Handler;
  readonly profile: Handler;
} {
  let busy = false;

  async function alone<T>(work: () => Promise<T>): Promise<T> {
    busy = true;
    try {
      return await work();
    } finally {
      busy = false;
    }
  }

  /** Answers why there can be no capture now, if there can be none. */
  function refused(response: ServerResponse, kind: CaptureKind): boolean {
    const { unavailable } = inspector;
    if (unavailable !== undefined) {
      count(kind, 'unavailable');
      sendProblem(response, 503, `There can be no capture: ${unavailable}.`);
    } else if (busy) {
      sendProblem(response, 429, 'Another capture is under way.', { 'Retry-After': '5' });
    } else return false;
    return true;
  }

  return {
    async stack(_request, response) {
      if (refused(response, 'stack')) return;
      const { result, ...seen } = await alone(() =>
        inspector.stack({ target: main, turn: undefined, deadlineMs: ANSWER_MS }),
      );
      count('stack', result);
      // Asked at any time, main is late for nothing: it has answered that it is not in JavaScript.
      if (result === 'captured' || result === 'late') sendJson(response, 200, seen);
      else sendProblem(response, ...failureOf(result));
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
      const { result, profile } = await alone(() =>
        inspector.profile({
          target: main,
          durationMs: seconds * 1000,
          deadlineMs: seconds * 1000 + ANSWER_MS,
        }),
      );
      count('cpu_profile', result);
      if (!profile) {
        sendProblem(response, ...failureOf(result));
        return;
      }
      send(
        response,
        200,
        'application/json',
        Buffer.from(profile.buffer, profile.byteOffset, profile.byteLength),
        {
          'Content-Disposition': `attachment; filename="main-${process.pid}-${Date.now()}.cpuprofile"`,
        },
      );
    },
  };
}
