import type { IncomingMessage, ServerResponse } from 'node:http';
import type { CaptureKind, CaptureResult } from '../../src/shared/labels.js';
import type { ThreadDump } from '../../src/shared/thread-dump.js';
import type { Inspector } from '../captures/client.js';
import type { TakeDump } from '../dump/dump.js';
import { textOfDump } from '../dump/text.js';
import { send, sendJson, sendProblem } from './respond.js';
import type { Handler } from './router.js';
import { type Found, findThread, type Watched } from './which-thread.js';

export interface DebugOptions {
  readonly inspector: Inspector;
  /** The threads under watch, main first. */
  readonly watched: () => readonly Watched[];
  readonly takeDump: TakeDump;
  readonly count: (kind: CaptureKind, result: CaptureResult) => void;
}

/** How long a thread may take to answer. */
const ANSWER_MS = 5000;
const PROFILE_DEFAULT_S = 5;
const PROFILE_MAX_S = 30;
const NO_ANSWER =
  'The thread did not answer: it is in native code or in a system call, or it does not run at all. ' +
  'Other threads than main are asked through main: while that does not answer, they cannot.';
const FAILED = 'The capture failed: its thread ended, by a fault or for want of memory. Another may succeed.';

function failureOf(result: CaptureResult): [status: number, detail: string] {
  return result === 'failed' ? [500, FAILED] : [504, NO_ANSWER];
}

export interface DebugHandlers {
  readonly stack: Handler;
  readonly profile: Handler;
  readonly threads: Handler;
}

type Alone = (
  response: ServerResponse,
  kind: CaptureKind,
  /** @returns what became of it; `undefined`: it was none */
  work: () => Promise<CaptureResult | undefined>,
) => Promise<void>;

/** Does the work, or answers why there can be no capture now. */
function oneAtATime({ inspector, count }: Pick<DebugOptions, 'inspector' | 'count'>): Alone {
  let busy = false;
  return async (response, kind, work) => {
    const { unavailable } = inspector;
    if (unavailable !== undefined) {
      count(kind, 'unavailable');
      sendProblem(response, 503, `There can be no capture: ${unavailable}.`);
      return;
    }
    if (busy) {
      sendProblem(response, 429, 'Another capture is under way.', { 'Retry-After': '5' });
      return;
    }
    busy = true;
    try {
      const result = await work();
      if (result !== undefined) count(kind, result);
    } finally {
      busy = false;
    }
  };
}

/** Looks at threads when asked, blocked in JavaScript or not. One at a time. */
export function createDebugHandlers(options: DebugOptions): DebugHandlers {
  const { inspector, watched, takeDump } = options;
  const alone = oneAtATime(options);

  /** The thread that is meant, or answers that there is none. */
  async function meant(response: ServerResponse, query: URLSearchParams): Promise<Found | undefined> {
    const found = await findThread(query.get('thread'), inspector, watched());
    if (typeof found === 'object') return found;
    if (found === undefined) sendProblem(response, ...failureOf('unanswered'));
    else sendProblem(response, 404, found);
    return undefined;
  }

  return {
    stack: (_request, response, { query }) =>
      alone(response, 'stack', async () => {
        const thread = await meant(response, query);
        if (!thread) return undefined;
        const { target } = thread;
        const { result, ...seen } = await inspector.stack({ target, turn: undefined, deadlineMs: ANSWER_MS });
        // Asked at any time, a thread is late for nothing: it has answered that it is not in JavaScript.
        if (result === 'captured' || result === 'late') sendJson(response, 200, seen);
        else sendProblem(response, ...failureOf(result));
        return result;
      }),

    profile(_request, response, { query }) {
      const seconds = Number(query.get('seconds') ?? PROFILE_DEFAULT_S);
      if (!(seconds >= 1 && seconds <= PROFILE_MAX_S)) {
        sendProblem(response, 400, `seconds must be a number from 1 to ${PROFILE_MAX_S}.`);
        return undefined;
      }
      const durationMs = seconds * 1000;
      return alone(response, 'cpu_profile', async () => {
        // Nothing is to be sent for so long, and that is all right.
        response.setTimeout(durationMs + 2 * ANSWER_MS);
        const thread = await meant(response, query);
        if (!thread) return undefined;
        const { result, profile } = await inspector.profile({
          target: thread.target,
          durationMs,
          deadlineMs: durationMs + ANSWER_MS,
        });
        if (profile) sendProfile(response, thread.name, profile);
        else sendProblem(response, ...failureOf(result));
        return result;
      });
    },

    threads(request, response, { query }) {
      const sendDump = senderOf(query.get('format') ?? (prefersText(request) ? 'text' : 'json'));
      if (!sendDump) {
        sendProblem(response, 400, 'format must be json or text.');
        return undefined;
      }
      return alone(response, 'threads', async () => {
        const { result, dump } = await takeDump();
        sendDump(response, dump);
        return result;
      });
    },
  };
}

const prefersText = ({ headers }: IncomingMessage): boolean =>
  /\btext\/plain\b/i.test(headers.accept ?? '') && !/\bjson\b/i.test(headers.accept ?? '');

function senderOf(format: string): ((response: ServerResponse, dump: ThreadDump) => void) | undefined {
  if (format === 'json') return (response, dump) => sendJson(response, 200, dump);
  if (format !== 'text') return undefined;
  return (response, dump) => send(response, 200, 'text/plain; charset=utf-8', textOfDump(dump));
}

function sendProfile(response: ServerResponse, thread: string, profile: Uint8Array): void {
  // A header takes no other characters, and neither does every file system.
  const name = thread.replace(/[^\w.-]/g, '_');
  send(
    response,
    200,
    'application/json',
    Buffer.from(profile.buffer, profile.byteOffset, profile.byteLength),
    {
      'Content-Disposition': `attachment; filename="${name}-${process.pid}-${Date.now()}.cpuprofile"`,
    },
  );
}
