import { beforeEach, expect, it, vi } from 'vitest';
import { type Conversation, nothingUnsettled, settled } from '../../../../worker/inspector/conversation.js';
import { giveBack } from '../../../../worker/inspector/look.js';

/** What main answers to a look, and in which turn: where it is, a script of `vm` or other code, or V8's word for it. */
type Answer = readonly [turn: number, says: 'script' | 'other' | 'terminated' | 'internal error'];

const V8_SAYS = { terminated: 'Execution was terminated', 'internal error': 'Internal error' };

let answers: Answer[];
let turn: number;
let terminations: number;
let isEnding: boolean;

/** A session with main. */
const session = {
  unsettled: nothingUnsettled(),
  post(method: string, ...rest: unknown[]) {
    const answer = rest.at(-1) as ((...said: unknown[]) => void) | undefined;
    if (method === 'Runtime.terminateExecution') terminations++;
    if (method !== 'Runtime.evaluate') return answer?.(null, {});
    const { expression } = rest[0] as { expression: string };
    if (expression.includes('runInThisContext')) return answer?.(null, { result: { value: isEnding } });
    const [now, says] = answers.shift() ?? [turn, 'other'];
    turn = now;
    if (says === 'terminated' || says === 'internal error') answer?.(new Error(V8_SAYS[says]));
    else answer?.(null, thrown(now, says === 'script' ? 'node:vm' : 'file:///app.js'));
  },
} as unknown as Conversation;

const thrown = (value: number, url: string): unknown => ({
  exceptionDetails: {
    exception: { value },
    stackTrace: { callFrames: [{ functionName: '', scriptId: '1', url, lineNumber: 0, columnNumber: 0 }] },
  },
});

async function give(...said: Answer[]): Promise<number> {
  answers = said;
  const given = giveBack(session, () => turn);
  await vi.runAllTimersAsync();
  await given;
  return terminations;
}

beforeEach(() => {
  vi.useFakeTimers();
  turn = 1;
  terminations = 0;
  isEnding = false;
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
