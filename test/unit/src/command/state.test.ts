import { expect, it } from 'vitest';
import { isStall, isStatus } from '../../../../src/command/state.js';
import { statusOf } from '../../../support/status.js';

const STALL = { id: '1-a-2', startedAt: '2026-01-01T00:00:00.000Z', stacks: [] };

it.each<[object]>([
  [{ process: null }],
  [{ loops: [] }],
  [{ loops: [null] }],
  [{ loops: [{ stall: {} }] }],
  [{ pools: [null] }],
])('a status with %j is none that can be read', (flaw) => {
  expect(isStatus(statusOf())).toBe(true);
  expect(isStatus(Object.assign(statusOf(), flaw))).toBe(false);
});

it.each([null, {}, { ...STALL, id: 1 }, { ...STALL, startedAt: undefined }, { ...STALL, stacks: [null] }])(
  'a stall like %j is none that can be read',
  (value) => {
    expect(isStall(STALL)).toBe(true);
    expect(isStall(value)).toBe(false);
  },
);
