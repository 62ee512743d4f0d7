import { describe, expect, it } from 'vitest';
import type { Stall } from '../../../../src/shared/stall.js';
import type { LoopStatus } from '../../../../src/shared/status.js';
import { type SentenceFacts, sentenceOf } from '../../../../worker/status/sentence.js';

const LOOP: LoopStatus = {
  thread: 'main',
  state: 'turning',
  lagMs: 0,
  lagMaxMs: 4,
  turns: 12,
  stalls: 0,
  stallSeconds: 0,
};
const FACTS: SentenceFacts = { threadpool: { size: 4 }, startingMs: 70_000, pausedMs: 0, minute: undefined };
const STALL: Stall = {
  id: '1-a-12',
  thread: 'main',
  cause: 'cpu',
  startedAt: '2026-01-01T00:00:00.000Z',
  durationMs: 12_345,
  gcMs: 0,
  suspendedMs: 0,
  culprit: { function: 'renderInvoice', file: 'src/invoice.ts', line: 41, column: 3, internal: false },
  requests: [{ name: 'GET /report', traceId: '4bf92f3577b34da6a3ce929d0e0e4736', samples: 3 }],
  fingerprint: 'f',
  stacks: [],
};

const say = (loop: Partial<LoopStatus>, facts: Partial<SentenceFacts> = {}): string =>
  sentenceOf([{ ...LOOP, ...loop }], { ...FACTS, ...facts });

describe('the sentence', () => {
  it.each([
    [say({}), 'The event loop turns.'],
    [
      say({}, { minute: { ms: 63_000, delayP99Ms: 3.14, utilization: 0.021 } }),
      'The event loop turns: delay p99 3.1 ms in the last minute, 2 % utilised.',
    ],
    [
      say({}, { minute: { ms: 12_000, delayP99Ms: 0, utilization: 0 } }),
      'The event loop turns: delay p99 under 1 ms in the last 12.0 s, 0 % utilised.',
    ],
    [say({ state: 'late', lagMs: 35.2 }), 'The event loop is late by 35 ms, which is no stall yet.'],
    [
      say({ state: 'blocked', stall: STALL }),
      'Blocked for 12.3 s (cpu) in renderInvoice src/invoice.ts:41, request GET /report, ' +
        'trace 4bf92f3577b34da6a3ce929d0e0e4736.',
    ],
    [
      say({ state: 'paused', stall: STALL }, { pausedMs: 3000 }),
      'The event loop is in pause() for 3.0 s: long work that is known.',
    ],
    [say({ state: 'starting' }), 'The event loop has not turned since its start 1 min 10 s ago.'],
  ])('%s', (sentence, expected) => {
    expect(sentence).toBe(expected);
  });

  it('tells of another thread, and of libuv’s pool, if something is amiss there', () => {
    const { requests, culprit, ...bare } = STALL;
    const resize: LoopStatus = { ...LOOP, thread: 'resize', state: 'blocked', stall: bare };
    const threadpool = { size: 4, pendingMs: 2500 };
    expect(sentenceOf([LOOP, { ...LOOP, thread: 'fine' }, resize], { ...FACTS, threadpool })).toBe(
      'The event loop turns. Thread resize is blocked for 12.3 s (cpu). ' +
        "A task waits for a thread of libuv's pool for 2.5 s.",
    );
  });

  it('stays on its line, whatever an app calls its functions', () => {
    const culprit = { ...STALL.culprit, function: 'a\n\u001b[2J\u202ez' } as NonNullable<Stall['culprit']>;
    const sentence = say({ state: 'blocked', stall: { ...STALL, culprit } });
    expect(sentence).toContain('a\\u000a\\u001b[2J\\u202ez');
  });
});
