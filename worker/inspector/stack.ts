import type { Runtime, Session } from 'node:inspector';
import type { CaptureResult } from '../../src/shared/labels.js';
import { LOOK_URL, type LookAnswer, RUNNING_KEY } from '../../src/shared/protocol.js';
import { pathOf } from './paths.js';
import { beginsThere, mayBegin, withTexts } from './scripts.js';
import type { Location } from './source-map.js';
import { NO_FILES, type SourceFiles, type SourceText } from './source-text.js';

/** A frame as V8 gives it; line and column count from 0. */
export interface RawFrame extends Runtime.CallFrame {
  /** Where its function begins. */
  readonly from?: Location | undefined;
  /** SHA-256 of the script's text. */
  readonly hash?: string | undefined;
  /** Another text runs than that of the file: a loader compiled it, or `vm` was given it under this name. */
  readonly inMemory?: boolean | undefined;
  /** That text. */
  readonly text?: SourceText | undefined;
  /** Where the source map of such a script is. */
  readonly sourceMapUrl?: string | undefined;
}

export interface RawStack {
  readonly result: CaptureResult;
  /** Innermost first; empty unless captured. */
  readonly frames: readonly RawFrame[];
  /** See `StackSample`. */
  readonly nativeMs?: number;
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
  /** For how many milliseconds main has waited for a CPU, or the whole process was stopped, by now. */
  readonly awayMs: () => number;
  readonly files: SourceFiles;
  /** Called with what is seen before anything is read about it. */
  readonly onSeen: (seen: RawStack) => void;
}

/** Frames deeper than this are left out. */
const FRAMES_MAX = 64;
/** Evaluated by main: throws what main says of itself, so that V8 adds the stack. */
const LOOK: string = `throw globalThis[Symbol.for('${RUNNING_KEY}')]?.look()\n//# sourceURL=${LOOK_URL}`;
/**
 * JavaScript answers within a millisecond, 0.2 to 0.8 on four lines of Node.js. An answer that took longer
 * came when native code had returned: at the next function that began, or at the next edge of a loop.
 */
const AT_ONCE_MS = 1;
/** From this on it is told. */
const NATIVE_MS = 2;
/** A second answer is not waited for longer than this. */
const SECOND_MS = 250;
/** How long after the end of the asked turn an answer is waited for: it would be late in any case. */
const GRACE_MS = 500;
/** How often that end is looked for. */
const POLL_MS = 50;

/**
 * Asks main where it is. V8 serves a request of the inspector at main's next check for interrupts, on top of
 * whatever runs: so the stack of our own throw is the stack of the stall, at the cost of a throw. The usual
 * way, the debugger's pause, makes V8 first report every script that is loaded: some 20 microseconds each.
 *
 * Main need not be in JavaScript: it answers when it is again. What is seen then is not what took the time:
 * the function that came next has run nothing. It is left out, and its caller told, with the time for which
 * there was no answer.
 */
export function takeStack(session: Session, options: StackOptions): Promise<RawStack> {
  const { turn, deadlineMs, currentTurn, now } = options;
  return new Promise((resolve) => {
    const askedMs = now();
    let costMs = 0;
    let endedMs: number | undefined;
    const poll = setInterval(() => {
      if (turn !== undefined && currentTurn() !== turn) endedMs ??= now();
      const ended = endedMs !== undefined && now() - endedMs > GRACE_MS;
      if (ended || now() - askedMs > deadlineMs) finish('unanswered');
    }, POLL_MS);
    const finish = (result: CaptureResult, seen?: Seen): void => {
      clearInterval(poll);
      resolve({ result, frames: seen?.frames ?? [], costMs, ...(seen && nativeOf(seen)) });
    };

    let firstMs = Number.POSITIVE_INFINITY;
    session.once('inspectorNotification', () => {
      firstMs = now();
    });
    /** Looks once, and notes for how long main had nothing to say though it had a CPU, or wanted none. */
    async function lookTimed(): Promise<Seen | undefined> {
      const fromMs = now();
      const awayMs = options.awayMs();
      const seen = await look(session, currentTurn, () => clearInterval(poll));
      if (!seen) return undefined;
      costMs += now() - (firstMs > fromMs ? Math.min(firstMs, seen.atMs) : seen.atMs) || 0;
      const tookMs = seen.atMs - fromMs || 0;
      return { ...seen, tookMs, quietMs: tookMs - (options.awayMs() - awayMs) };
    }

    async function judge(): Promise<void> {
      let seen = await lookTimed();
      if (!seen) return finish('unanswered');
      if (turn !== undefined && seen.turn !== turn) return finish('late');
      if (seen.tookMs < AT_ONCE_MS && seen.frames[0] && mayBegin(seen.frames[0])) {
        // A small function that takes all the time, or one that comes after each of many native calls? The
        // next is on by now.
        const second = await Promise.race([lookTimed(), delay(SECOND_MS)]);
        const better = second?.turn === seen.turn && second.frames.length > 0 && second.tookMs >= AT_ONCE_MS;
        if (better) seen = second;
      }
      if (seen.frames.length === 0) return finish('late', seen);
      const plain = withoutBystander(seen, NO_FILES);
      options.onSeen({ result: resultOf(plain), frames: plain, costMs, ...nativeOf(seen) });
      const texts = await withTexts(session, seen.frames, options.files);
      costMs += texts.costMs;
      const frames = withoutBystander({ ...seen, frames: texts.frames }, options.files);
      finish(resultOf(frames), { ...seen, frames });
    }
    // The session may be closed meanwhile: the process ends.
    judge().catch(() => finish('unanswered'));
  });
}

interface Seen extends Look {
  /** For so long main gave no answer. */
  readonly tookMs: number;
  /** The same without the time for which it waited for a CPU, or was stopped. */
  readonly quietMs: number;
}

const resultOf = (frames: readonly RawFrame[]): CaptureResult => (frames.length === 0 ? 'late' : 'captured');

/**
 * The frames without the one that has run nothing yet, if it comes after native code. On a busy machine it
 * may only have waited for a CPU; its caller is not wrong then either.
 */
function withoutBystander({ tookMs, frames }: Seen, files: SourceFiles): readonly RawFrame[] {
  const [first, ...callers] = frames;
  return tookMs >= AT_ONCE_MS && first && beginsThere(first, files) ? callers : frames;
}

const nativeOf = ({ quietMs }: Seen): { nativeMs?: number } =>
  quietMs >= NATIVE_MS ? { nativeMs: quietMs } : {};

export interface Look {
  /** The number of the turn that it fell into. */
  readonly turn: number;
  /** When main answered. */
  readonly atMs: number;
  readonly frames: readonly RawFrame[];
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
      const frames = thrown?.stackTrace?.callFrames.filter(({ url }) => url !== LOOK_URL) ?? [];
      resolve(lookOf(thrown?.exception?.value, frames.slice(0, FRAMES_MAX)));
    });
  });
}

/** @param said a `LookAnswer` in JSON; something else if the watchdog is closed by now */
function lookOf(said: unknown, frames: readonly Runtime.CallFrame[]): Look {
  if (typeof said !== 'string') return { turn: Number.NaN, atMs: Number.NaN, frames };
  const { turn, atMs, sites } = JSON.parse(said) as LookAnswer;
  // The inspector makes a URL of a path, the script's name is as it was given.
  const found = new Map(sites.map((site) => [`${pathOf(site[0])}:${site[1]}:${site[2]}`, site]));
  return {
    turn,
    atMs,
    frames: frames.map((frame) => {
      const site = found.get(`${pathOf(frame.url)}:${frame.lineNumber + 1}:${frame.columnNumber + 1}`);
      return site
        ? { ...frame, from: { line: site[3] - 1, column: site[4] - 1 }, hash: site[5] ?? undefined }
        : frame;
    }),
  };
}

/** A script that was to end and is there still after so many looks will not end by itself. */
const STILL_THERE = 4;
const ASK_AGAIN_MS = 25;
/**
 * A busy machine may keep main from its answer; after so many tries nothing is known, and nothing is done.
 */
const TRIES_MAX = 20;
const ANSWER_MS = 1000;

/**
 * A look can take away what was to end a script: the time-out of `vm`. It ends by a termination of all that
 * runs, and our look was what ran. Without another termination the script would then go on for ever; but not
 * always: where the script calls native code the termination comes through all the same, and another would
 * hit what the app does next. So it is given back only to a script that is still there a while later.
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

export function delay(ms: number): Promise<undefined> {
  return new Promise((resolve) => {
    setTimeout(() => resolve(undefined), ms);
  });
}
