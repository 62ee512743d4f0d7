import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DELAY_BOUNDS_MS } from '../../../../src/shared/layout.js';
import { NATIVE_LOWER_MS } from '../../../../src/shared/native-buckets.js';
import type { LoopLedger } from '../../../../worker/counters.js';
import { sampleDelay } from '../../../../worker/loops/delay.js';
import { createDetector } from '../../../../worker/stalls/detect.js';
import { createStallCounters } from '../../../../worker/stalls/stall-counters.js';
import { createVirtualLoop, total, type VirtualLoop } from '../../../support/virtual-loop.js';

/** What a loop may do next. */
type Step =
  | { readonly kind: 'idle' | 'busy' | 'starved'; readonly ms: number }
  | { readonly kind: 'scrape'; readonly ms: number }
  | { readonly kind: 'respawn' };

const duration = fc.oneof(
  { weight: 6, arbitrary: fc.double({ min: 0, max: 20, noNaN: true }) },
  { weight: 3, arbitrary: fc.double({ min: 20, max: 500, noNaN: true }) },
  { weight: 1, arbitrary: fc.double({ min: 500, max: 90_000, noNaN: true }) },
);
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('idle' as const), ms: duration }) },
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('busy' as const), ms: duration }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('starved' as const), ms: duration }) },
  // In the middle of a turn that goes on for `ms`.
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('scrape' as const), ms: duration }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('respawn' as const) }) },
);

/** The exact delay histogram: cumulative counts of virtual arrivals, one per millisecond. */
interface DelayHistogram {
  readonly buckets: readonly number[];
  readonly count: number;
  readonly sumSeconds: number;
}
const histogramOf = (ledger: LoopLedger): DelayHistogram => ({
  buckets: DELAY_BOUNDS_MS.map((_, i) => ledger.get('delayBuckets', i)),
  count: ledger.get('delayCount'),
  sumSeconds: ledger.get('delaySumSeconds'),
});

/** Every counter that the sidecar exports of a loop, at this moment. */
function render(loop: VirtualLoop): { histogram: DelayHistogram; counters: number[] } {
  const stats = loop.read();
  sampleDelay(loop.now(), stats, loop.ledger, DELAY_BOUNDS_MS);
  const histogram = histogramOf(loop.ledger);
  // As a respawned sidecar would: nothing but what lies in shared memory.
  const counters = createStallCounters(loop.ledger);
  const told = { count: loop.ledger.get('stallsCounted'), ms: loop.ledger.get('stallSumMs') };
  const { finished, live } = createDetector(100, told).observe(loop.now(), stats, loop.readRing);
  const charge = { cause: 'unknown', suspendedMs: 0, besides: 'unknown' } as const;
  for (const stall of finished) counters.count(stall, charge);
  if (live) counters.charge(live, charge);
  const activeMs = loop.ledger.get('activeMs');
  const stalls = [...Array(6).keys()].flatMap((i) => [
    loop.ledger.get('stallsByCause', i),
    loop.ledger.get('stallMsByCause', i),
  ]);
  return {
    histogram,
    counters: [
      ...histogram.buckets,
      histogram.count,
      histogram.sumSeconds,
      ...loop.ledger.row('nativeDelay'),
      loop.ledger.get('nativeDelayZero'),
      activeMs,
      ...stalls,
    ],
  };
}

function play(
  steps: readonly Step[],
  onScrape: (loop: VirtualLoop) => void,
): { loop: VirtualLoop; delays: number[] } {
  const loop = createVirtualLoop();
  const delays: number[] = [];
  for (const one of steps) {
    switch (one.kind) {
      case 'idle':
        loop.idle(one.ms);
        break;
      case 'busy':
        loop.busy(one.ms);
        delays.push(one.ms);
        break;
      case 'starved': {
        // Only what comes after the due moment can be known to be a delay.
        const before = loop.read().delayMs;
        loop.starved(one.ms);
        delays.push(loop.read().delayMs - before);
        break;
      }
      case 'scrape':
        loop.pass(one.ms / 2);
        onScrape(loop);
        loop.busy(one.ms / 2);
        delays.push(one.ms);
        break;
      default:
        onScrape(loop);
    }
  }
  return { loop, delays };
}

/** Each native bucket, against brute force: the arrivals that wait longer than its bounds. */
function expectNative(ledger: LoopLedger, delays: readonly number[], wall: number): void {
  const longerThan = (ms: number): number => total(delays.map((delay) => Math.max(0, delay - ms)));
  const counts = ledger.row('nativeDelay');
  const off = NATIVE_LOWER_MS.map((lower, slot) => {
    const upper = NATIVE_LOWER_MS[slot + 1] ?? Number.POSITIVE_INFINITY;
    const truth = longerThan(lower) - longerThan(upper);
    return Math.abs((counts[slot] ?? 0) - truth);
  });
  expect(Math.max(...off)).toBeLessThanOrEqual(1.001);
  const zero = ledger.get('nativeDelayZero');
  const filled = counts.filter((count) => count > 0).length;
  // What is less than whole in each bucket counts as none.
  expect(Math.abs(zero + total([...counts]) - wall)).toBeLessThanOrEqual(wall * 0.001 + 1 + filled);
}

describe('the delay histogram, over random turns', () => {
  it('never goes back, stays cumulative, and agrees with brute force within 0.1 %', () => {
    fc.assert(
      fc.property(fc.array(step, { minLength: 1, maxLength: 120 }), (steps) => {
        let last: number[] = [];
        const scrape = (loop: VirtualLoop): void => {
          const { histogram, counters } = render(loop);
          expect(counters.findIndex((value, i) => value < (last[i] ?? 0))).toBe(-1);
          last = counters;
          const cumulative = [...histogram.buckets, histogram.count];
          expect(cumulative).toEqual(cumulative.toSorted((a, b) => a - b));
        };
        const { loop, delays } = play(steps, scrape);
        // Any estimate made during a turn was at most one interval off; after that long it is made good.
        loop.idle(2500);
        scrape(loop);

        const wall = loop.now() - loop.read().loopStartedAtMs;
        const { histogram } = render(loop);
        const tolerance = wall * 0.001 + 1; // counts are whole
        expect(Math.abs(histogram.count - wall)).toBeLessThanOrEqual(tolerance);
        DELAY_BOUNDS_MS.forEach((bound, i) => {
          const truth = wall - total(delays.map((delay) => Math.max(0, delay - bound)));
          expect(Math.abs((histogram.buckets[i] ?? 0) - truth)).toBeLessThanOrEqual(tolerance);
        });
        expectNative(loop.ledger, delays, wall);
        const truthSum = total(delays.map((delay) => delay ** 2 / 2)) / 1000;
        expect(Math.abs(histogram.sumSeconds - truthSum)).toBeLessThanOrEqual(truthSum * 0.001 + 0.01);
        const stalls = delays.filter((delay) => delay >= 100);
        expect(loop.ledger.get('stallCount')).toBe(stalls.length);
        expect(total(last.slice(-12).filter((_, i) => i % 2 === 1))).toBeCloseTo(total(stalls), 3);
      }),
      { numRuns: 2000 },
    );
  });
});
