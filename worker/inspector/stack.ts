import type { Runtime, Session } from 'node:inspector';
import type { CaptureResult } from '../../src/shared/labels.js';
import { RUNNING_KEY } from '../../src/shared/protocol.js';

/** A frame as V8 gives it; line and column count from 0. */
export interface RawFrame extends Runtime.CallFrame {
  /** Where the source map of a script is that was compiled from something else than its file. */
  readonly sourceMapUrl?: string | undefined;
}

export interface RawStack {
  readonly result: CaptureResult;
  /** Innermost first; empty unless captured. */
  readonly frames: readonly RawFrame[];
  /** Milliseconds for which main was at our service. */
  readonly costMs: number;
}

export interface StackOptions {
  /** Accept frames of this turn only; `undefined`: of any. */
  readonly turn: number | undefined;
  /** Give up after this long. */
  readonly deadlineMs: number;
  /** The number of the turn in progress. */
  readonly currentTurn: () => number;
  readonly now: () => number;
}

/** Frames deeper than this are left out. */
const FRAMES_MAX = 64;
/** Evaluated by main: throws the number of the turn that it finds itself in. */
const LOOK_URL = 'event-loop-watchdog:look';
const LOOK: string = `throw globalThis[Symbol.for('${RUNNING_KEY}')]?.turn()\n//# sourceURL=${LOOK_URL}`;
/** Files that Node.js cannot run as they are: a loader compiled them, and told only V8 where their map is. */
const COMPILED_AT_LOAD = /^file:.*\.([cm]?tsx?|jsx)$/i;
/** How long such maps are waited for. */
const MAPS_MS = 500;
/** How long after the end of the asked turn an answer is waited for: it would be late in any case. */
const GRACE_MS = 500;
/** How often that end is looked for. */
const POLL_MS = 50;

/**
 * Asks main where it is. V8 serves a request of the inspector at main's next check for interrupts, on top of whatever
 * runs: so the stack of our own throw is the stack of the stall, at the cost of a throw. The usual way, the debugger's
 * pause, makes V8 first report every script that is loaded: some 20 microseconds each.
 *
 * Main need not be in JavaScript: it answers when it is again.
 */
export function takeStack(session: Session, options: StackOptions): Promise<RawStack> {
  const { turn, deadlineMs, currentTurn, now } = options;
  return new Promise((resolve) => {
    const askedMs = now();
    let firstAnswerMs: number | undefined;
    let endedMs: number | undefined;
    const poll = setInterval(() => {
      if (turn !== undefined && currentTurn() !== turn) endedMs ??= now();
      const ended = endedMs !== undefined && now() - endedMs > GRACE_MS;
      if (ended || now() - askedMs > deadlineMs) finish('unanswered');
    }, POLL_MS);
    const finish = (result: CaptureResult, frames: readonly RawFrame[] = []): void => {
      clearInterval(poll);
      resolve({ result, frames, costMs: firstAnswerMs === undefined ? 0 : now() - firstAnswerMs });
    };

    session.once('inspectorNotification', () => {
      firstAnswerMs = now();
    });
    evaluateLook(session, async (thrown) => {
      if (!thrown) return finish('unanswered');
      if (turn !== undefined && thrown.turn !== turn) return finish('late');
      finish('captured', await withMaps(session, thrown.frames));
    });
  });
}

interface Look {
  readonly turn: unknown;
  readonly frames: readonly Runtime.CallFrame[];
}

/** Back to back: waiting for the first answer would let main run on, into unrelated code. */
export function evaluateLook(session: Session, answered: (look: Look | undefined) => void): void {
  session.post('Runtime.enable');
  session.post('Runtime.evaluate', { expression: LOOK, silent: true }, (error, answer) => {
    if (error) {
      giveBack(session, error);
      answered(undefined);
      return;
    }
    const thrown = answer?.exceptionDetails;
    const frames = thrown?.stackTrace?.callFrames.filter(({ url }) => url !== LOOK_URL);
    answered(frames && { turn: thrown?.exception?.value, frames: frames.slice(0, FRAMES_MAX) });
  });
}

/**
 * A script that was to be ended (`vm`'s time-out, `worker.terminate()`) while it was looked at: the termination hit the look
 * instead, and is used up. Without another one the script would run on for ever.
 */
function giveBack(session: Session, error: Error): void {
  if (/terminated/i.test(error.message)) session.post('Runtime.terminateExecution');
}

/** The frames, with what only V8 knows of their source maps. */
async function withMaps(
  session: Session,
  frames: readonly Runtime.CallFrame[],
): Promise<readonly RawFrame[]> {
  const wanted = new Set(
    frames.filter(({ url }) => COMPILED_AT_LOAD.test(url)).map(({ scriptId }) => scriptId),
  );
  if (wanted.size === 0) return frames;
  const maps = new Map<string, string>();
  session.on('Debugger.scriptParsed', ({ params: { scriptId, sourceMapURL } }) => {
    if (sourceMapURL && wanted.has(scriptId)) maps.set(scriptId, sourceMapURL);
  });
  await new Promise<void>((resolve) => {
    setTimeout(resolve, MAPS_MS);
    session.post('Debugger.enable', () => resolve());
    // A `debugger` statement must not stop the app.
    session.post('Debugger.setSkipAllPauses', { skip: true });
    session.post('Debugger.disable');
  });
  return frames.map((frame) => ({ ...frame, sourceMapUrl: maps.get(frame.scriptId) }));
}
