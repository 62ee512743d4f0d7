import { expect, it } from 'vitest';
import type { Stall } from '../../../../../src/shared/stall.js';
import { factsOf, partsOf, sampleInWords } from '../../../../../worker/page/stalls/evidence.js';

const stallOf = (more: Partial<Stall>): Stall => ({
  id: '1-2-3',
  thread: 'main',
  cause: 'cpu',
  startedAt: '2026-01-01T00:00:00.000Z',
  durationMs: 1000,
  gcMs: 0,
  suspendedMs: 0,
  fingerprint: 'f',
  stacks: [],
  ...more,
});
const partsIn = (more: Partial<Stall>) =>
  partsOf(stallOf(more)).map(({ cause, ms }) => [cause, Math.round(ms)]);

it('the parts of a stall add up, nothing is in two of them, and what is under a hundredth is left out', () => {
  // Of the collections main ran 200 ms itself, and slept through the rest.
  expect(partsIn({ cpuMs: 200, gcMs: 300, sleepMs: 600, suspendedMs: 250, runQueueMs: 0 })).toEqual([
    ['gc', 300],
    ['blocked', 250],
    ['suspended', 250],
    ['unknown', 200],
  ]);
  expect(partsIn({ cpuMs: 900, gcMs: 100, sleepMs: 9, runQueueMs: 50 })).toEqual([
    ['cpu', 805],
    ['gc', 95],
    ['starved', 50],
    ['unknown', 41],
  ]);
});

it('main waited for a CPU in its collections as often as at any other time', () => {
  expect(partsIn({ cpuMs: 350, gcMs: 400, sleepMs: 0, runQueueMs: 650 })).toEqual([
    ['cpu', 210],
    ['gc', 140],
    ['starved', 650],
  ]);
});

it('without the accounts of the system the rest is not accounted for', () => {
  expect(partsIn({ gcMs: 300 })).toEqual([
    ['gc', 300],
    ['unknown', 700],
  ]);
});

it('accounts of more than the stall are the whole then', () => {
  const parts = partsOf(stallOf({ cpuMs: 1500, sleepMs: 500, runQueueMs: 0 }));
  expect(parts.map(({ cause, share }) => [cause, share])).toEqual([
    ['cpu', 0.75],
    ['blocked', 0.25],
  ]);
});

it('facts that are not known are left out', () => {
  expect(factsOf(stallOf({ state: 'S', syscall: 'wait4', samples: 3 }))).toEqual([
    ['Thread', 'main'],
    ['State when looked at', 'S (asleep)'],
    ['System call', 'wait4'],
    ['Samples of the stack', '3'],
  ]);
});

it('says of a look what came of it', () => {
  const frames = [{ function: 'render', file: '/a.js', line: 1, column: 1, internal: false }];
  const seen = { atMs: 250, result: 'captured', frames } as const;
  expect(sampleInWords(seen)).toBe('250 ms in: render');
  expect(sampleInWords({ ...seen, nativeMs: 1200 })).toBe('250 ms in: render, after 1.2 s in native code');
  expect(sampleInWords({ ...seen, frames: [] })).toBe('250 ms in: no JavaScript on the stack');
  expect(sampleInWords({ atMs: 250, result: 'unanswered', frames: [] })).toMatch(/no answer/);
});
