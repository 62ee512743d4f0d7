import type { Runtime } from 'node:inspector';
import { RUNNING_KEY, THREAD_KEY } from '../../src/shared/protocol.js';
import { LOOK_URL, type LookAnswer, type RequestContext } from '../../src/shared/stall.js';
import { askContext } from './context.js';
import { type Conversation, delay, evaluate, keepIn, REFUSED, TERMINATED } from './conversation.js';
import { pathOf } from './paths.js';
import type { Location } from './source-map.js';
import type { SourceText } from './source-text.js';

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

/** Frames deeper than this are left out. */
const FRAMES_MAX = 64;
const KEYS = [RUNNING_KEY, THREAD_KEY].map((key) => `globalThis[Symbol.for('${key}')]`);
/** Of a thread that is not under watch, Node.js counts the rounds of its loop. */
const ROUNDS =
  "process?.getBuiltinModule?.('node:perf_hooks').performance?.nodeTiming?.uvMetricsInfo?.loopCount";
/** Evaluated by the thread: throws what it says of itself, so that V8 adds the stack. */
const LOOK: string = `throw (${KEYS.join(' ?? ')})?.look() ?? ${ROUNDS}\n//# sourceURL=${LOOK_URL}`;

export interface Look {
  /** The number of the turn that it fell into. */
  readonly turn: number;
  /** When main answered. */
  readonly atMs: number;
  readonly frames: readonly RawFrame[];
  /** Whose code it is; only if it was asked for. */
  readonly request?: RequestContext | undefined;
}

export interface LookOptions {
  readonly currentTurn: () => number;
  /** Called with main's first answer. */
  readonly answered?: () => void;
  /** Whether to ask, too, which request it is. */
  readonly context?: boolean;
}

/**
 * Looks once.
 * @returns `undefined` if there is nothing to see
 */
export async function look(session: Conversation, options: LookOptions): Promise<Look | undefined> {
  const { currentTurn, answered, context = false } = options;
  const { looked, asked } = whileEnabled(session, () => ({
    looked: evaluateLook(session),
    asked: context ? askContext(session) : undefined,
  }));
  const seen = await looked;
  answered?.();
  // It comes right after the look; but main may have gone on between the two, or have lost its CPU.
  const told = asked && (await Promise.race([asked, delay(ANSWER_MS)]));
  if (seen === TERMINATED) return giveBack(session, currentTurn);
  if (told === TERMINATED) await giveBack(session, currentTurn);
  if (seen === REFUSED) return undefined;
  // Between the two main may have gone on after all, to another turn.
  const same = told && told !== TERMINATED && (told.turn === undefined || told.turn === seen.turn);
  return same ? { ...seen, request: told.request } : seen;
}

/**
 * Back to back: waiting for the first answer would let main run on, into unrelated code. What main has logged
 * before would be told anew, and is kept with all that it refers to. While the domain is enabled V8 takes the
 * stack of each throw, also of those that the app catches.
 */
function whileEnabled<T>(session: Conversation, ask: () => T): T {
  session.post('Runtime.discardConsoleEntries');
  session.post('Runtime.enable');
  const asked = ask();
  session.post('Runtime.disable');
  return asked;
}

async function evaluateLook(session: Conversation): Promise<Look | typeof TERMINATED | typeof REFUSED> {
  const answer = await evaluate(session, { expression: LOOK });
  if (answer === TERMINATED || answer === REFUSED) return answer;
  const thrown = answer.exceptionDetails;
  const frames = thrown?.stackTrace?.callFrames.filter(({ url }) => url !== LOOK_URL) ?? [];
  return lookOf(thrown?.exception?.value, frames.slice(0, FRAMES_MAX));
}

/** @param said a `LookAnswer` in JSON; the number of its turn, or nothing, if the thread is not under watch */
function lookOf(said: unknown, frames: readonly Runtime.CallFrame[]): Look {
  if (typeof said !== 'string') return { turn: Number(said), atMs: Number.NaN, frames };
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

/** Whether what was to end has: nothing is run by `vm`, or in another turn. Nobody knows: not a number, twice. */
const hasEnded = (before: Look | undefined, now: Look): boolean =>
  !now.frames.some(({ url }) => url === 'node:vm') ||
  (before !== undefined && !Object.is(before.turn, now.turn));

/** A script that was to end and is there still after so many looks will not end by itself. */
const STILL_THERE = 4;
const ASK_AGAIN_MS = 25;
/** A busy machine may keep main from its answer; after so many tries nothing is known, nor done. */
const TRIES_MAX = 20;
const ANSWER_MS = 1000;

/**
 * A look can take away what was to end a script or its thread: the time-out of `vm`, or what
 * `worker.terminate()` does. Both are a termination of all that runs, and our look was what ran. Without
 * another termination the script would then go on for ever; but not always: where it calls native code the
 * termination comes through all the same, and another would hit what the app does next. So it is given back
 * only to a thread that is to end, and to a script that is still there a while later. To look whether it is
 * may take away the next one's.
 */
export function giveBack(session: Conversation, currentTurn: () => number): Promise<Look | undefined> {
  return keepIn(session.unsettled.owed, payBack(session, currentTurn));
}

async function payBack(session: Conversation, currentTurn: () => number): Promise<Look | undefined> {
  const trail = createTrail(currentTurn);
  const ask = createPatientLook(session);
  for (let tries = 0; tries < TRIES_MAX; tries++) {
    await delay(ASK_AGAIN_MS);
    const answer = await ask();
    const verdict = answer === ENDING ? 'there' : answer && trail.follow(answer);
    if (verdict === 'ended') break;
    if (verdict !== 'there') continue;
    const given = new Promise<void>((resolve) => {
      session.post('Runtime.terminateExecution', () => resolve());
    });
    await Promise.race([given, delay(ANSWER_MS)]);
    break;
  }
  return trail.seen();
}

/** The thread is to end: Node.js runs none of its JavaScript any more, but for what was running. */
const ENDING: unique symbol = Symbol('ending');

/** Of a thread that is to end Node.js runs no script, and says nothing of it. */
const IS_ENDING = `new (process.getBuiltinModule('node:vm').Script)('0').runInThisContext() === undefined
//# sourceURL=${LOOK_URL}`;

async function askEnding(session: Conversation): Promise<boolean | typeof TERMINATED> {
  const answer = await evaluate(session, { expression: IS_ENDING });
  if (answer === TERMINATED) return TERMINATED;
  return answer !== REFUSED && answer.result.value === true;
}

type LookAnswered = Awaited<ReturnType<typeof evaluateLook>>;

interface Trail {
  /** Whether what was to end has ended, or is there still; `undefined`: that cannot be said yet. */
  follow(answer: LookAnswered): 'ended' | 'there' | undefined;
  /** What was seen last. */
  seen(): Look | undefined;
}

function createTrail(currentTurn: () => number): Trail {
  let turn = currentTurn();
  let seen: Look | undefined;
  let countSame = createStreak();
  return {
    seen: () => seen,
    follow(answer) {
      // As long as V8 has a termination to deliver, it lets us run nothing, and says so in more ways than one.
      const isPending = typeof answer === 'symbol';
      if (currentTurn() !== turn) {
        if (!isPending) return 'ended';
        turn = currentTurn();
        seen = undefined;
        countSame = createStreak();
      }
      if (!isPending) {
        const before = seen;
        seen = answer;
        if (hasEnded(before, answer)) return 'ended';
      }
      // Else it was delivered meanwhile, and what is there now is counted anew.
      return countSame(isPending) === STILL_THERE ? 'there' : undefined;
    },
  };
}

/** Looks, or goes on to wait for the answer to the look before: that, too, may take away a termination. */
function createPatientLook(session: Conversation): () => Promise<LookAnswered | typeof ENDING | undefined> {
  const lookAndAsk = async (): Promise<LookAnswered | typeof ENDING> => {
    const both = whileEnabled(session, () => [evaluateLook(session), askEnding(session)] as const);
    const [seen, isEnding] = await Promise.all(both);
    if (isEnding === TERMINATED) return TERMINATED;
    return isEnding ? ENDING : seen;
  };
  let asked: ReturnType<typeof lookAndAsk> | undefined;
  return async () => {
    asked ??= lookAndAsk();
    const answer = await Promise.race([asked, delay(ANSWER_MS)]);
    if (answer !== undefined) asked = undefined;
    return answer;
  };
}

/** Counts how often in a row it was told the same. */
function createStreak(): (said: boolean) => number {
  let before: boolean | undefined;
  let count = 0;
  return (said) => {
    count = said === before ? count + 1 : 1;
    before = said;
    return count;
  };
}
