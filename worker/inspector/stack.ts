import type { CaptureResult } from '../../src/shared/labels.js';
import type { RequestContext } from '../../src/shared/stall.js';
import { type Conversation, delay } from './conversation.js';
import { type Look, look, type RawFrame } from './look.js';
import { beginsThere, type KnownScripts, mayBegin, withTexts } from './scripts.js';
import { NO_FILES, type SourceFiles } from './source-text.js';

export interface RawStack {
  readonly result: CaptureResult;
  /** Innermost first; empty unless captured. */
  readonly frames: readonly RawFrame[];
  /** See `StackSample`. */
  readonly nativeMs?: number;
  /** See `StackSample`. */
  readonly request?: RequestContext;
  /** Milliseconds for which main was at our service. */
  readonly costMs: number;
  /** When main answered, on the shared clock; absent unless it did, in the asked turn. */
  readonly seenMs?: number;
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
  /** Whether to ask, too, which request it is. */
  readonly context: boolean;
  /** For how many milliseconds this thread has waited for a CPU: it hears of an answer later by that. */
  readonly waitedMs: () => number;
  readonly files: SourceFiles;
  /** Whether one look is enough, also where it cannot tell a small function from one that only came next. */
  readonly once?: boolean;
  /** What is known of the scripts by now. */
  readonly scripts?: KnownScripts;
  /** Whether V8 is not to be asked for the texts of scripts that no file holds: that is dear. */
  readonly spareV8?: boolean;
  /** Called with what is seen before anything is read about it. */
  readonly onSeen: (seen: RawStack) => void;
}

/**
 * JavaScript answers within a millisecond, 0.2 to 0.8 on four lines of Node.js. An answer that took longer
 * came when native code had returned: at the next function that began, or at the next edge of a loop.
 */
const AT_ONCE_MS = 1;
/** What a look costs at least; what is measured may be too little by the time for which nobody had a CPU. */
const LEAST_COST_MS = 0.3;
/** From this on it is told. */
const NATIVE_MS = 2;
/** Further looks, and how long their answers are waited for. */
const AGAIN_MAX = 3;
const AGAIN_MS = 1000;
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
export async function takeStack(session: Conversation, options: StackOptions): Promise<RawStack> {
  const patience = openPatience(options);
  const looks = openLooks(session, options, patience.end);
  // The session may be closed meanwhile: the process ends.
  const judged = judge(session, options, looks).catch(() => undefined);
  const { result, seen } = (await Promise.race([judged, patience.over])) ?? { result: 'unanswered' };
  patience.end();
  const { costMs } = looks;
  return { result, frames: seen?.frames ?? [], costMs, ...(seen && evidenceOf(seen)) };
}

/** Waits for main's first answer: until the deadline, or until it would be late in any case. */
function openPatience({ turn, deadlineMs, currentTurn, now }: StackOptions): {
  /** Settles when there is no more. */
  readonly over: Promise<undefined>;
  readonly end: () => void;
} {
  const askedMs = now();
  let endedMs: number | undefined;
  let poll: NodeJS.Timeout | undefined;
  const over = new Promise<undefined>((resolve) => {
    poll = setInterval(() => {
      if (turn !== undefined && currentTurn() !== turn) endedMs ??= now();
      const ended = endedMs !== undefined && now() - endedMs > GRACE_MS;
      if (ended || now() - askedMs > deadlineMs) resolve(undefined);
    }, POLL_MS);
  });
  return { over, end: () => clearInterval(poll) };
}

interface Looks {
  /**
   * Looks once, and notes for how long main had nothing to say though it had a CPU, or wanted none.
   * @param withinMs an answer that takes longer is not waited for
   */
  next(withinMs?: number): Promise<Seen | undefined>;
  /** Milliseconds for which main was at our service so far. */
  costMs: number;
}

function openLooks(
  session: Conversation,
  { currentTurn, now, awayMs, waitedMs, context }: StackOptions,
  answered: () => void,
): Looks {
  const looks: Looks = {
    costMs: 0,
    async next(withinMs) {
      let heard = false;
      let firstMs = Number.POSITIVE_INFINITY;
      const note = (): void => {
        firstMs = Math.min(firstMs, now());
      };
      const fromMs = now();
      const fromAwayMs = awayMs();
      const fromWaitedMs = waitedMs();
      session.on('inspectorNotification', note);
      const looking = look(session, {
        currentTurn,
        context,
        answered() {
          heard = true;
          answered();
        },
      });
      // Once there is an answer there may be a termination to give back.
      const given = withinMs !== undefined && delay(withinMs).then(() => (heard ? looking : undefined));
      const seen = await (given ? Promise.race([looking, given]) : looking);
      session.off('inspectorNotification', note);
      if (!seen) return undefined;
      const heardMs = now() - (waitedMs() - fromWaitedMs);
      looks.costMs += Math.max(LEAST_COST_MS, heardMs - Math.min(firstMs, seen.atMs)) || LEAST_COST_MS;
      // The thread that passes it on may have been in native code.
      const reachedMs = Math.max(fromMs, session.reachedMs?.() ?? fromMs);
      const tookMs = Math.max(0, seen.atMs - reachedMs) || 0;
      return { ...seen, tookMs, quietMs: tookMs - (awayMs() - fromAwayMs) };
    },
  };
  return looks;
}

interface Judgement {
  readonly result: CaptureResult;
  readonly seen?: Seen;
}

async function judge(session: Conversation, options: StackOptions, looks: Looks): Promise<Judgement> {
  const { turn, files } = options;
  const first = await looks.next();
  if (!first) return { result: 'unanswered' };
  if (turn !== undefined && first.turn !== turn) return { result: 'late' };
  const seen = options.once ? first : await lookAgain(first, looks);
  if (seen.frames.length === 0) return { result: 'late', seen };
  const plain = { ...seen, frames: withoutBystander(seen, NO_FILES) };
  const { costMs } = looks;
  options.onSeen({ result: resultOf(plain.frames), frames: plain.frames, costMs, ...evidenceOf(plain) });
  const texts = await withTexts(session, seen.frames, options);
  looks.costMs += texts.costMs;
  const frames = withoutBystander({ ...seen, frames: texts.frames }, files);
  return { result: resultOf(frames), seen: { ...seen, frames } };
}

/**
 * A small function that takes all the time, or one that comes after each of many native calls? The next is on
 * by now, or soon.
 */
async function lookAgain(first: Seen, looks: Looks): Promise<Seen> {
  const [frame] = first.frames;
  if (first.tookMs >= AT_ONCE_MS || !frame || !mayBegin(frame)) return first;
  for (let n = 0; n < AGAIN_MAX; n++) {
    const again = await looks.next(AGAIN_MS);
    if (again?.turn !== first.turn || again.frames.length === 0) return first;
    if (again.tookMs >= AT_ONCE_MS) return again;
  }
  return first;
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

/**
 * Between two microtasks there is a request, but no stack. Not so if native code has just returned: then what
 * comes next may be another's.
 */
const evidenceOf = ({
  atMs,
  quietMs,
  frames,
  request,
}: Seen): Pick<RawStack, 'nativeMs' | 'request' | 'seenMs'> => ({
  seenMs: atMs,
  ...(quietMs >= NATIVE_MS && { nativeMs: quietMs }),
  ...(request && (frames.length > 0 || quietMs < NATIVE_MS) && { request }),
});
