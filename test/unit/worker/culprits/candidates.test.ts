import { expect, it } from 'vitest';
import { LOOP_LEDGER } from '../../../../src/shared/layout.js';
import { allocate } from '../../../../src/shared/regions.js';
import { openLedger } from '../../../../worker/counters.js';
import { type Culprit, createCandidates } from '../../../../worker/culprits/candidates.js';
import { openCulpritRows } from '../../../../worker/culprits/rows.js';

const rows = openCulpritRows(openLedger(LOOP_LEDGER, allocate(LOOP_LEDGER)));
const culprit = (label: string): Culprit => ({ rows, label, file: undefined });

it('a bounded number is kept, among them who comes again and again', () => {
  const candidates = createCandidates();
  for (let i = 0; i < 100; i++) candidates.add(culprit(`first ${i}`), 1000, 0);
  const often = culprit('often');
  const once = Array.from({ length: 3000 }, (_, i) => culprit(`once ${i}`));
  for (const [i, one] of once.entries()) {
    candidates.add(one, 400, i);
    candidates.add(often, 300, i);
  }
  expect(once.filter((one) => candidates.find(one)).length).toBeLessThanOrEqual(100);
  // A little has faded, and nothing of others' is in it.
  expect(candidates.weightMs(often, 3000)).toBeGreaterThan(0.99 * 3000 * 300);
  expect(candidates.weightMs(often, 3000)).toBeLessThanOrEqual(3000 * 300);
  const last = once.at(-1) as Culprit;
  expect(candidates.weightMs(last, 3000)).toBeLessThanOrEqual(400);
});

it('a weight is half a day later', () => {
  const candidates = createCandidates();
  candidates.add(culprit('a'), 800, 0);
  expect(candidates.weightMs(culprit('a'), 86_400_000)).toBe(400);
  candidates.add(culprit('a'), 100, 86_400_000);
  expect(candidates.weightMs(culprit('a'), 86_400_000)).toBe(500);
  candidates.removeAll(rows);
  expect(candidates.weightMs(culprit('a'), 86_400_000)).toBe(0);
});
