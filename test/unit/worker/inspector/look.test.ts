import { beforeEach, expect, it, vi } from 'vitest';
import { type Conversation, nothingUnsettled, settled } from '../../../../worker/inspector/conversation.js';
import { giveBack } from '../../../../worker/inspector/look.js';
import { threadIds } from '../../../../worker/system/thread.js';

/** What main answers to a look, and in which turn: where it is, a script of `vm` or other code, or V8's word for it. */
type Answer = readonly [turn: number, says: 'script' | 'other' | 'terminated' | 'internal error'];

const V8_SAYS = { terminated: 'Execution was terminated', 'internal error': 'Internal error' };

let answers: Answer[];
let turn: number;
let terminations: number;
let isEnding: boolean;
/** Whether what is there now has been called by `vm`. */
let inVm: boolean;
/** The threads that there were before the look that took it away. */
let threads: () => string[];

/** A session with main. */
const session = {
  unsettled: nothingUnsettled(),
  post(method: string, ...rest: unknown[]) {
    const last = rest.at(-1);
    const answer = typeof last === 'function' ? (last as (...said: unknown[]) => void) : undefined;
    if (method === 'Runtime.terminateExecution') terminations++;
    if (method !== 'Runtime.evaluate') return answer?.(null, {});
    const { expression } = rest[0] as { expression: string };
    if (expression.includes('runInThisContext'))
      return answer?.(null, { result: { value: isEnding ? 'ending' : inVm } });
    const [now, says] = answers.shift() ?? [turn, 'other'];
    turn = now;
    inVm = says === 'script';
    if (says === 'terminated' || says === 'internal error') answer?.(new Error(V8_SAYS[says]));
    else answer?.(null, thrown(now));
  },
} as unknown as Conversation;

const thrown = (value: number): unknown => ({
  exceptionDetails: { exception: { value }, stackTrace: { callFrames: [] } },
});

async function give(...said: Answer[]): Promise<number> {
  answers = said;
  const given = giveBack(session, () => turn, threads());
  await vi.runAllTimersAsync();
  await given;
  return terminations;
}

beforeEach(() => {
  vi.useFakeTimers();
  turn = 1;
  terminations = 0;
  isEnding = false;
  threads = threadIds;
  return () => {
    vi.useRealTimers();
  };
});

it('gives a termination back to a script that goes on, and to one that V8 lets nobody look at', async () => {
  expect(await give([1, 'script'], [1, 'script'], [1, 'script'], [1, 'script'])).toBe(1);
  terminations = 0;
  expect(
    await give([1, 'terminated'], [1, 'internal error'], [1, 'internal error'], [1, 'internal error']),
  ).toBe(1);
});

it.runIf(process.platform === 'linux')(
  'gives none to a script beside which a thread has begun: that of its own time-out',
  async () => {
    const [own = ''] = threadIds();
    threads = () => threadIds().filter((id) => id !== own);
    expect(await give(...Array.from({ length: 20 }, (): Answer => [1, 'script']))).toBe(0);
    // It does not ask for ever.
    expect(answers.length).toBeGreaterThan(0);
  },
);

it('gives it back at once to a thread that is to end, whatever runs there', async () => {
  isEnding = true;
  expect(await give([1, 'other'], [1, 'other'])).toBe(1);
  expect(answers).toHaveLength(1);
});

it('is owed until it is given back: the session must last so long', async () => {
  const given = give([1, 'script'], [1, 'script'], [1, 'script'], [1, 'script']);
  await settled(session.unsettled);
  expect(terminations).toBe(1);
  await given;
  expect(settled(session.unsettled)).toBeUndefined();
});

it('gives none to what comes after the script that it has ended', async () => {
  expect(await give([1, 'other'])).toBe(0);
  expect(await give([1, 'script'], [2, 'script'])).toBe(0);
  expect(await give([1, 'terminated'], [1, 'script'], [1, 'script'], [1, 'other'])).toBe(0);
});

it('gives back, too, what it takes away itself, of another turn', async () => {
  expect(
    await give([2, 'terminated'], [2, 'internal error'], [2, 'internal error'], [2, 'internal error']),
  ).toBe(1);
});
