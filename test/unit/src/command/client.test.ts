import { expect, it } from 'vitest';
import { type Answer, jsonLine, readJson } from '../../../../src/command/client.js';

const BASE = new URL('http://127.0.0.1:9464');
const answerOf = (body: string): Answer => ({ status: 200, headers: {}, body });

it('no text of an answer drives the terminal, whatever a server lets through', () => {
  const answer = answerOf('{"one": ["\\u001b[2J\\nforged\\tline"],\n "other": "\u009b31m\u202e"}');
  const one = ['\\u001b[2J\\u000aforged line'];
  expect(readJson(BASE, answer, () => true)).toEqual({ one, other: '\\u009b31m\\u202e' });
  // For programs it means the same as ever.
  expect(jsonLine(answer)).not.toMatch(/(?!\n$)\p{Cc}/u);
  expect(JSON.parse(jsonLine(answer))).toEqual(JSON.parse(answer.body));
});

it.each(['<h1>Shop</h1>', '"text"', 'null', '{"other": 1}'])('%s is not what a watchdog answers', (body) => {
  const isIt = ({ stalls }: { stalls?: unknown }): boolean => Array.isArray(stalls);
  expect(() => readJson<{ stalls: unknown }>(BASE, answerOf(body), isIt)).toThrow(/is no watchdog/);
});
