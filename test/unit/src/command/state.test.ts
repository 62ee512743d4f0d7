import { expect, it } from 'vitest';
import { isOffender, isStall, isStatus } from '../../../../src/command/state.js';
import { loopOf, statusOf } from '../../../support/status.js';

const STALL = {
  id: '1-a-2',
  startedAt: '2026-01-01T00:00:00.000Z',
  cause: 'cpu',
  durationMs: 1,
  stacks: [{ atMs: 1, result: 'captured', frames: [] }],
};

it.each<[object]>([
  [{ process: null }],
  [{ loops: [] }],
  [{ loops: [null] }],
  [{ loops: [{ ...loopOf(), stall: {} }] }],
  [{ loops: [{ ...loopOf(), thread: 5 }] }],
  [{ pools: [{}] }],
  [{ pools: [null] }],
])('a status with %j is none that can be read', (flaw) => {
  expect(isStatus(statusOf())).toBe(true);
  expect(isStatus(Object.assign(statusOf(), flaw))).toBe(false);
});

it.each([
  null,
  {},
  { ...STALL, id: 1 },
  { ...STALL, startedAt: undefined },
  { ...STALL, stacks: [null] },
  { ...STALL, culprit: {} },
  { ...STALL, requests: {} },
])('a stall like %j is none that can be read', (value) => {
  expect(isStall(STALL)).toBe(true);
  expect(isStall(value)).toBe(false);
  expect(isOffender(value)).toBe(false);
});
