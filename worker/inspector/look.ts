import type { Runtime } from 'node:inspector';
import { RUNNING_KEY, THREAD_KEY } from '../../src/shared/protocol.js';
import { LOOK_URL, type LookAnswer, type RequestContext } from '../../src/shared/stall.js';
import { threadIds } from '../system/thread.js';
import { askContext } from './context.js';
import { type Conversation, delay, evaluate, keepIn, REFUSED, TERMINATED } from './conversation.js';
import { pathOf } from './paths.js';
import type { Location } from './source-map.js';
import type { SourceText } from './source-text.js';
import { createTrail, type Trail, type TrailAnswer } from './trail.js';

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
  const before = threadIds();
  const { looked, asked } = whileEnabled(session, () => ({
    looked: evaluateLook(session),
    asked: context ? askContext(session) : undefined,
  }));
  const seen = await looked;
  answered?.();
  // It comes right after the look; but main may have gone on between the two, or have lost its CPU.
  const told = asked && (await Promise.race([asked, delay(ANSWER_MS)]));
  if (seen === TERMINATED) return giveBack(session, currentTurn, before);
  if (told === TERMINATED) await giveBack(session, currentTurn, before);
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

/** Between two looks; then each time twice as long. */
const ASK_AGAIN_MS = 25;
const ASK_AGAIN_MAX_MS = 800;
/** After so many answers, in some seven seconds, nothing is known, nor done. */
const ANSWERS_MAX = 16;
const ANSWER_MS = 1000;

/**
 * A look can take away what was to end a script or its thread: the time-out of `vm`, or what
 * `worker.terminate()` does. Both are a termination of all that runs, and our look was what ran. Without
 * another termination the script would then go on for ever; but not always: the termination may come through
 * all the same where the script calls native code. Another would then cut off what the app does next, and
 * Node.js ends the process for it. So it is given back only to a thread that is to end, and to a script that
 * is still there a while later. To look whether it is may take away the next one's.
 * @param before the threads that there were before the look
 */
export function giveBack(
  session: Conversation,
  currentTurn: () => number,
  before: readonly string[],
): Promise<Look | undefined> {
  return keepIn(session.unsettled.owed, payBack(session, createTrail(currentTurn, hasBegun(before))));
}

async function payBack(session: Conversation, trail: Trail): Promise<Look | undefined> {
  const ask = createPatientLook(session);
  let waitMs = ASK_AGAIN_MS;
  for (let answers = 0; answers < ANSWERS_MAX && !session.unsettled.isOver; ) {
    await delay(waitMs);
    const answer = await ask();
    // In native code: the answer comes when that returns.
    if (answer === undefined) continue;
    if (++answers > ANSWERS_MAX / 4) waitMs = Math.min(2 * waitMs, ASK_AGAIN_MAX_MS);
    const verdict = answer === ENDING ? 'there' : trail.follow(answer);
    if (verdict === 'there') await terminate(session);
    if (verdict) break;
  }
  return trail.seen();
}

async function terminate(session: Conversation): Promise<void> {
  if (session.unsettled.isOver) return;
  const done = new Promise<void>((resolve) => {
    session.post('Runtime.terminateExecution', () => resolve());
  });
  await Promise.race([done, delay(ANSWER_MS)]);
}

/** Whether there are threads that were not there before. */
function hasBegun(before: readonly string[]): () => boolean {
  const known = new Set(before);
  return () => threadIds().some((id) => !known.has(id));
}

/** The thread is to end: Node.js runs none of its JavaScript any more, but for what was running. */
const ENDING: unique symbol = Symbol('ending');

/** More than fit on a stack. An infinite limit has ended Node.js 26: `Check failed: new_capacity > 0`. */
const DEPTH_MAX = 100_000;

/**
 * Of a thread that is to end Node.js runs no script, and says nothing of it. Else: whether `vm`, which knows
 * time-outs, has called what runs, a script or a module; however deep, and told by a realm of its own, for the
 * app may format stacks in its way.
 */
const WHAT_RUNS = `(({ Script, runInNewContext }) =>
  new Script('0').runInThisContext() === undefined ? 'ending' : runInNewContext(\`
    Error.stackTraceLimit = ${DEPTH_MAX};
    Error.prepareStackTrace = (_, sites) => sites;
    () => new Error().stack.some((site) => /^node:(internal.)?vm/.test(site.getFileName()))
  \`)()
)(process.getBuiltinModule('node:vm'))
//# sourceURL=${LOOK_URL}`;

/** Looks, or goes on to wait for the answer to the look before: that, too, may take away a termination. */
function createPatientLook(session: Conversation): () => Promise<TrailAnswer | typeof ENDING | undefined> {
  const lookAndAsk = async (): Promise<TrailAnswer | typeof ENDING> => {
    const both = whileEnabled(
      session,
      () => [evaluateLook(session), evaluate(session, { expression: WHAT_RUNS })] as const,
    );
    const [seen, said] = await Promise.all(both);
    if (typeof said === 'symbol') return said;
    if (said.result.value === 'ending') return ENDING;
    return typeof seen === 'symbol' ? seen : { ...seen, inVm: said.result.value === true };
  };
  let asked: ReturnType<typeof lookAndAsk> | undefined;
  return async () => {
    asked ??= lookAndAsk();
    const answer = await Promise.race([asked, delay(ANSWER_MS)]);
    if (answer !== undefined) asked = undefined;
    return answer;
  };
}
