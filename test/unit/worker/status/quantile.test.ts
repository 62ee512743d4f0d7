import fc from 'fast-check';
import { expect, it } from 'vitest';
import { DELAY_BOUNDS_MS } from '../../../../src/shared/layout.js';
import { sampleDelay } from '../../../../worker/loops/delay.js';
import { type Delays, delaysOf, quantileMs } from '../../../../worker/status/quantile.js';
import { createVirtualLoop } from '../../../support/virtual-loop.js';

/** Turns of so many milliseconds, each followed by idling; what was counted before and after. */
function count(turnsMs: readonly number[], idleMs: number): { from: Delays; to: Delays } {
  const loop = createVirtualLoop();
  const sample = (): Delays => {
    sampleDelay(loop.now(), loop.read(), loop.ledger, DELAY_BOUNDS_MS);
    return delaysOf(loop.ledger);
  };
  loop.idle(1000);
  const from = sample();
  for (const ms of turnsMs) {
    loop.busy(ms);
    loop.idle(idleMs);
  }
  return { from, to: sample() };
}

/** By brute force: how long those wait that come each tenth of a millisecond. */
function truth(q: number, turnsMs: readonly number[], idleMs: number): number {
  const waits = turnsMs.flatMap((ms) => [
    ...Array.from({ length: ms * 10 }, (_, i) => i / 10),
    ...new Array<number>(idleMs * 10).fill(0),
  ]);
  return waits.sort((a, b) => a - b)[Math.floor(q * waits.length)] ?? 0;
}

it('is what those wait that come at random, within a bucket', () => {
  const turns = fc.array(fc.integer({ min: 2, max: 300 }), { minLength: 40, maxLength: 60 });
  fc.assert(
    fc.property(turns, fc.integer({ min: 0, max: 50 }), fc.constantFrom(0.5, 0.9, 0.99), (ms, idleMs, q) => {
      const { from, to } = count(ms, idleMs);
      const [told, true_] = [quantileMs(q, from, to), truth(q, ms, idleMs)];
      // An arrival each millisecond, whole ones in each bucket: a few are in the one beside it.
      expect(Math.abs(told - true_)).toBeLessThanOrEqual(2 + 0.15 * true_);
    }),
    { numRuns: 40 },
  );
});

it('is 0 where most wait for less than a millisecond, and not known where nobody came', () => {
  const { from, to } = count([5, 5], 500);
  expect(quantileMs(0.5, from, to)).toBe(0);
  expect(quantileMs(0.5, to, to)).toBeNaN();
});
