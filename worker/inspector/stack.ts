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
    const answered = (): void => clearInterval(poll);
    const judge = async (seen: Look | undefined): Promise<void> => {
      if (!seen) finish('unanswered');
      else if (turn !== undefined && seen.turn !== turn) finish('late');
      else finish('captured', await withMaps(session, seen.frames));
    };
    // The session may be closed meanwhile: the process ends.
    look(session, currentTurn, answered)
      .then(judge)
      .catch(() => finish('unanswered'));
  });
}

export interface Look {
  /** The number of the turn that it fell into. */
  readonly turn: unknown;
  readonly frames: readonly Runtime.CallFrame[];
}

/**
 * Looks once.
 * @param answered called with main's first answer
 * @returns `undefined` if there is nothing to see
 */
export async function look(
  session: Session,
  currentTurn: () => number,
  answered: () => void = () => {},
): Promise<Look | undefined> {
  // Back to back: waiting for the first answer would let main run on, into unrelated code.
  session.post('Runtime.enable');
  const seen = await evaluateLook(session);
  answered();
  if (seen === TERMINATED) return giveBack(session, currentTurn);
  return seen === REFUSED ? undefined : seen;
}

const TERMINATED: unique symbol = Symbol('terminated');
const REFUSED: unique symbol = Symbol('refused');

function evaluateLook(session: Session): Promise<Look | typeof TERMINATED | typeof REFUSED> {
  return new Promise((resolve) => {
    session.post('Runtime.evaluate', { expression: LOOK, silent: true }, (error, answer) => {
      if (error) resolve(/terminated/i.test(error.message) ? TERMINATED : REFUSED);
      const thrown = answer?.exceptionDetails;
      const frames = thrown?.stackTrace?.callFrames.filter(({ url }) => url !== LOOK_URL);
      resolve({ turn: thrown?.exception?.value, frames: frames?.slice(0, FRAMES_MAX) ?? [] });
    });
  });
}

/** A script that was to end and is there still after so many looks will not end by itself. */
const STILL_THERE = 4;
const ASK_AGAIN_MS = 25;
/** A busy machine may keep main from its answer; after so many tries nothing is known, and nothing is done. */
const TRIES_MAX = 20;
const ANSWER_MS = 1000;

/**
 * A look can take away what was to end a script: the time-out of `vm`. It ends by a termination of all that runs, and our
 * look was what ran. Without another termination the script would then go on for ever; but not always: where the script
 * calls native code the termination comes through all the same, and another would hit what the app does next. So it is
 * given back only to a script that is still there a while later.
 */
async function giveBack(session: Session, currentTurn: () => number): Promise<Look | undefined> {
  const turn = currentTurn();
  let seen: Look | undefined;
  let stillThere = 0;
  for (let tries = 0; tries < TRIES_MAX && stillThere < STILL_THERE; tries++) {
    await delay(ASK_AGAIN_MS);
    const again = await Promise.race([evaluateLook(session), delay(ANSWER_MS)]);
    if (currentTurn() !== turn) return seen;
    if (!again) continue;
    // As long as V8 has a termination to deliver, it lets us run nothing.
    if (again !== TERMINATED && again !== REFUSED) {
      seen = again;
      if (!again.frames.some(({ url }) => url === 'node:vm')) return seen;
    }
    stillThere++;
  }
  if (stillThere < STILL_THERE) return seen;
  const given = new Promise<void>((resolve) => {
    session.post('Runtime.terminateExecution', () => resolve());
  });
  await Promise.race([given, delay(ANSWER_MS)]);
  return seen;
}

function delay(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
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
