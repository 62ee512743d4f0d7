import { afterEach, describe, expect, it, vi } from 'vitest';
import { now } from '../../../../src/shared/clock.js';
import { CAUSES, type Cause } from '../../../../src/shared/labels.js';
import { RING_SIZE } from '../../../../src/shared/layout.js';
import { wallTimeOf } from '../../../../worker/counters.js';
import { createDetector } from '../../../../worker/stalls/detect.js';
import { type Charge, createStallCounters } from '../../../../worker/stalls/stall-counters.js';
import { createVirtualLoop, total, type VirtualLoop } from '../../../support/virtual-loop.js';

const THRESHOLD = 100;
/** Nothing of it was a suspension. */
const all = (cause: Cause): Charge => ({ cause, suspendedMs: 0, besides: cause });
/** A sidecar's watch over the loop, as a new sidecar would begin it. */
const observer = (loop: VirtualLoop, causeNow: () => Cause = () => 'unknown') => {
  const counters = createStallCounters(loop.ledger);
  const detector = createDetector(THRESHOLD, {
    count: loop.ledger.get('stallsCounted'),
    ms: loop.ledger.get('stallSumMs'),
  });
  return () => {
    const { finished, lost, live } = detector.observe(loop.now(), loop.read(), loop.readRing);
    if (lost) counters.countLost(lost.count, lost.ms, lost.beforeTurn);
    for (const stall of finished) counters.count(stall, all(causeNow()));
    if (live) counters.charge(live, all(causeNow()));
    return finished;
  };
};
const seconds = (loop: VirtualLoop, cause: Cause): number =>
  loop.ledger.get('stallMsByCause', CAUSES.indexOf(cause));

describe('the counters of stalls', () => {
  it('charges a stall while it lasts and settles with its end', () => {
    const loop = createVirtualLoop();
    const observe = observer(loop);
    loop.idle(250); // due at 300
    loop.pass(149);
    observe();
    expect(seconds(loop, 'unknown')).toBe(0); // late by 99
    loop.pass(101);
    observe();
    expect(seconds(loop, 'unknown')).toBeCloseTo(200);
    loop.pass(1000);
    observe();
    expect(seconds(loop, 'unknown')).toBeCloseTo(1200);
    expect(loop.ledger.get('stallCount')).toBe(0);
    loop.mark();
    expect(observe()).toMatchObject([{ durationMs: expect.closeTo(1250), startMs: expect.closeTo(1250) }]);
    expect(seconds(loop, 'unknown')).toBeCloseTo(1250);
    expect(loop.ledger.get('stallCount')).toBe(1);
    expect(observe()).toEqual([]);
  });

  it('tells two stalls in a row apart', () => {
    const loop = createVirtualLoop();
    const observe = observer(loop);
    loop.busy(300);
    loop.pass(400);
    expect(observe()).toHaveLength(1);
    loop.mark();
    expect(observe()).toMatchObject([{ durationMs: expect.closeTo(400) }]);
    expect(seconds(loop, 'unknown')).toBeCloseTo(700);
  });

  it('charges nothing twice when stalls follow faster than they are explained', () => {
    const loop = createVirtualLoop();
    const counters = createStallCounters(loop.ledger);
    const detector = createDetector(THRESHOLD, { count: 0, ms: 0 });
    const waiting = [];
    for (let i = 0; i < 10; i++) {
      loop.pass(400);
      const { finished, live } = detector.observe(loop.now(), loop.read(), loop.readRing);
      waiting.push(...finished);
      if (live) counters.charge(live, all('cpu'));
      loop.mark();
    }
    waiting.push(...detector.observe(loop.now(), loop.read(), loop.readRing).finished);
    for (const stall of waiting) counters.count(stall, all('cpu'));
    expect(seconds(loop, 'cpu')).toBeCloseTo(4000);
    expect(loop.ledger.get('stallSumMs')).toBeCloseTo(4000);
  });

  it('counts nothing while the app starts up', () => {
    const loop = createVirtualLoop();
    loop.pass(5000);
    observer(loop)();
    expect(seconds(loop, 'unknown')).toBe(0);
  });

  it('leaves what was charged to a first guess where it is', () => {
    const loop = createVirtualLoop();
    let cause: Cause = 'cpu';
    const observe = observer(loop, () => cause);
    loop.idle(100);
    loop.pass(600);
    observe();
    cause = 'gc';
    loop.pass(100);
    loop.mark();
    observe();
    expect(seconds(loop, 'cpu') + seconds(loop, 'gc')).toBeCloseTo(700);
    expect(seconds(loop, 'cpu')).toBeCloseTo(500);
    expect(loop.ledger.get('stallsByCause', CAUSES.indexOf('gc'))).toBe(1);
  });

  it('charges a suspension with what it took, whatever the cause is, and never more', () => {
    const loop = createVirtualLoop();
    const counters = createStallCounters(loop.ledger);
    const stall = { turn: 0, startMs: 1100, durationMs: 1000 };
    // It ran for 300 ms, was stopped for 550, which is seen when it goes on, and ran again.
    counters.charge({ ...stall, stallMs: 300 }, all('cpu'));
    const charge: Charge = { cause: 'suspended', suspendedMs: 550, besides: 'cpu' };
    counters.charge({ ...stall, stallMs: 850 }, charge);
    // Another sidecar goes on.
    createStallCounters(loop.ledger).count(stall, charge);
    expect(seconds(loop, 'suspended')).toBeCloseTo(550);
    expect(seconds(loop, 'cpu')).toBeCloseTo(450);
    expect(loop.ledger.get('stallsByCause', CAUSES.indexOf('suspended'))).toBe(1);

    // What was charged to a wrong guess stays there.
    const next = { turn: 7, startMs: 5000, durationMs: 500 };
    counters.charge({ ...next, stallMs: 400 }, all('blocked'));
    counters.count(next, { cause: 'suspended', suspendedMs: 450, besides: 'blocked' });
    expect(seconds(loop, 'blocked')).toBeCloseTo(400);
    expect(seconds(loop, 'suspended')).toBeCloseTo(650);
  });

  it('goes on where a sidecar that died in the middle of a stall left off', () => {
    const loop = createVirtualLoop();
    loop.idle(100);
    loop.pass(600);
    observer(loop)();
    loop.pass(600);
    observer(loop)();
    loop.mark();
    observer(loop)();
    expect(seconds(loop, 'unknown')).toBeCloseTo(1200);
    expect(loop.ledger.get('stallCount')).toBe(1);
  });

  it.each([
    ['which another then counts', 0],
    ['and which the ring forgets', RING_SIZE],
  ])('charges nothing twice of stalls that a sidecar charged, but died before it counted, %s', (_, more) => {
    const loop = createVirtualLoop();
    const counters = createStallCounters(loop.ledger);
    const detector = createDetector(THRESHOLD, { count: 0, ms: 0 });
    for (const ms of [400, 300, 200]) {
      loop.pass(ms);
      const { live } = detector.observe(loop.now(), loop.read(), loop.readRing);
      if (live) counters.charge(live, all('cpu'));
      loop.mark();
    }
    for (let i = 0; i < more; i++) loop.busy(100);
    observer(loop)();
    expect(loop.ledger.get('stallSumMs')).toBeCloseTo(900 + 100 * more);
    expect(seconds(loop, 'cpu') + seconds(loop, 'unknown')).toBeCloseTo(900 + 100 * more);
    expect(loop.ledger.get('stallCount')).toBe(3 + more);
  });

  it('counts stalls that the ring forgot', () => {
    const loop = createVirtualLoop();
    const observe = observer(loop);
    const lengths = Array.from({ length: RING_SIZE + 50 }, (_, i) => 100 + i);
    for (const ms of lengths) loop.busy(ms);
    expect(observe()).toHaveLength(RING_SIZE);
    expect(loop.ledger.get('stallCount')).toBe(lengths.length);
    expect(loop.ledger.get('stallSumMs')).toBeCloseTo(total(lengths));
    expect(seconds(loop, 'unknown')).toBeCloseTo(total(lengths));
  });
});

describe('a moment has one wall time', () => {
  afterEach(() => vi.useRealTimers());
  /** The system's clock is an hour ahead from now on. */
  const stepClock = (): void => {
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 3_600_000 });
  };

  it('which no setting of the clock, nor another sidecar, changes', () => {
    const loop = createVirtualLoop();
    const momentMs = now() - 5000;
    const before = Date.now();
    const wallMs = wallTimeOf(loop.ledger, 'heartbeatAt', momentMs);
    expect(Math.abs(wallMs - (before - 5000))).toBeLessThan(1000);
    stepClock();
    expect(wallTimeOf(loop.ledger, 'heartbeatAt', momentMs)).toBe(wallMs);
    expect(wallTimeOf(loop.ledger, 'heartbeatAt', momentMs + 1) - wallMs).toBeGreaterThan(3_500_000);
  });

  it('also the start of a stall; what is found out of it later moves it by as much', () => {
    const { ledger } = createVirtualLoop();
    const first = createStallCounters(ledger);
    const startMs = now() - 5000;
    const told = first.startedAt(7, startMs);
    first.charge({ turn: 7, startMs, stallMs: 400 }, all('cpu'));
    expect(Math.round(ledger.get('lastStallWallMs'))).toBe(told);
    stepClock();
    const next = createStallCounters(ledger);
    expect(next.startedAt(7, startMs)).toBe(told);
    // It began before the heartbeat that it made late.
    const stall = { turn: 7, startMs: startMs - 80, durationMs: 500 };
    expect(next.startedAt(7, stall.startMs)).toBe(told - 80);
    next.count(stall, all('cpu'));
    expect(Math.round(ledger.get('lastStallWallMs'))).toBe(told - 80);
    // One before it, which was explained later, is not the latest.
    next.count({ turn: 5, startMs: startMs - 900, durationMs: 100 }, all('cpu'));
    expect(Math.round(ledger.get('lastStallWallMs'))).toBe(told - 80);
  });
});
