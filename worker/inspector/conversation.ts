import type { Runtime, Session } from 'node:inspector';

/** V8's protocol with one thread. */
export interface Conversation extends Pick<Session, 'post' | 'on' | 'once' | 'off'> {
  /** If it goes through another thread: when something that was said came out of that one last. */
  readonly reachedMs?: () => number | undefined;
  /** Of all conversations of the session. */
  readonly unsettled: Unsettled;
}

/** What the session has to outlast. */
export interface Unsettled {
  /** What threads were told to evaluate, and have not yet: it may take something away from them. */
  readonly asked: Set<Promise<unknown>>;
  /** What was taken away, and is not given back yet. */
  readonly owed: Set<Promise<unknown>>;
  /** The process comes to its end: threads are told to evaluate no more. */
  isOver: boolean;
}

export const nothingUnsettled = (): Unsettled => ({ asked: new Set(), owed: new Set(), isOver: false });

/** What is asked of a thread that can answer is answered by then. */
const ANSWERED_MS = 50;

/** @returns `undefined` if nothing is to be waited for */
export function settled(unsettled: Unsettled): Promise<void> | undefined {
  const { asked, owed } = unsettled;
  return asked.size === 0 && owed.size === 0 ? undefined : settle();

  async function settle(): Promise<void> {
    // Who is in native code answers when that returns, and is not waited for.
    await answered(unsettled, ANSWERED_MS);
    // What an answer has taken away is owed by then.
    await delay(0);
    await Promise.allSettled(owed);
  }
}

/** Settles once all that was asked is answered, or after `withinMs`. */
export async function answered({ asked }: Unsettled, withinMs: number): Promise<void> {
  if (asked.size > 0) await Promise.race([Promise.allSettled(asked), delay(withinMs)]);
}

export function keepIn<T>(set: Set<Promise<unknown>>, promise: Promise<T>): Promise<T> {
  const forget = (): void => void set.delete(promise);
  set.add(promise);
  promise.then(forget, forget);
  return promise;
}

/** The answer was none: V8 was about to end what runs, and what it ended was this. */
export const TERMINATED: unique symbol = Symbol('terminated');
/** There is no answer: V8 lets nobody run anything, or the thread is gone. */
export const REFUSED: unique symbol = Symbol('refused');

type Evaluated = Runtime.EvaluateReturnType | typeof TERMINATED | typeof REFUSED;

/** Has a thread evaluate something, on top of whatever it runs. */
export function evaluate(
  conversation: Conversation,
  question: Runtime.EvaluateParameterType,
): Promise<Evaluated> {
  if (conversation.unsettled.isOver) return Promise.resolve(REFUSED);
  const evaluated = new Promise<Evaluated>((resolve) => {
    conversation.post('Runtime.evaluate', { silent: true, ...question }, (error, answer) => {
      if (!error) resolve(answer);
      else resolve(/terminated/i.test(error.message) ? TERMINATED : REFUSED);
    });
  });
  return keepIn(conversation.unsettled.asked, evaluated);
}

export function delay(ms: number): Promise<undefined> {
  return new Promise((resolve) => {
    setTimeout(() => resolve(undefined), ms);
  });
}
