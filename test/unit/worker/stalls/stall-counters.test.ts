import { afterEach, describe, expect, it, vi } from 'vitest';
import { now } from '../../../../src/shared/clock.js';
import { CAUSES, type Cause, RING_SIZE } from '../../../../src/shared/layout.js';
import { wallTimeOf } from '../../../../worker/counters.js';
import { createDetector } from '../../../../worker/stalls/detect.js';
import { type Charge, createStallAccount } from '../../../../worker/stalls/stall-counters.js';
import { createRig, type Rig, total } from '../../../support/virtual-loop.js';

const THRESHOLD = 100;
/** Nothing of it was a pause. */
const all = (cause: Cause): Charge => ({ cause, pausedMs: 0, besides: cause });
/** A sidecar's watch over the rig, as a new sidecar would begin it. */
const observer = (rig: Rig, causeNow: () => Cause = () => 'unknown') => {
  const account = createStallAccount(rig.ledger);
  const detector = createDetector(THRESHOLD, {
    count: rig.ledger.get('stallsCounted'),
    ms: rig.ledger.get('stallSumMs'),
  });
  return () => {
    const { finished, lost, live } = detector.observe(rig.now(), rig.read(), rig.readRing);
    if (lost) account.countLost(lost.count, lost.ms);
    for (const stall of finished) account.count(stall, all(causeNow()));
    if (live) account.charge(live, all(causeNow()));
    return finished;
  };
};
const seconds = (rig: Rig, cause: Cause): number => rig.ledger.get('stallMsByCause', CAUSES.indexOf(cause));

describe('stall account', () => {
  it('charges a stall while it lasts and settles with its end', () => {
    const rig = createRig();
    const observe = observer(rig);
    rig.idle(250); // due at 300
    rig.pass(149);
    observe();
    expect(seconds(rig, 'unknown')).toBe(0); // late by 99
    rig.pass(101);
    observe();
    expect(seconds(rig, 'unknown')).toBeCloseTo(200);
    rig.pass(1000);
    observe();
    expect(seconds(rig, 'unknown')).toBeCloseTo(1200);
    expect(rig.ledger.get('stallCount')).toBe(0);
    rig.mark();
    expect(observe()).toMatchObject([{ durationMs: expect.closeTo(1250), startMs: expect.closeTo(1250) }]);
    expect(seconds(rig, 'unknown')).toBeCloseTo(1250);
    expect(rig.ledger.get('stallCount')).toBe(1);
    expect(observe()).toEqual([]);
  });

  it('tells two stalls in a row apart', () => {
    const rig = createRig();
    const observe = observer(rig);
    rig.busy(300);
    rig.pass(400);
    expect(observe()).toHaveLength(1);
    rig.mark();
    expect(observe()).toMatchObject([{ durationMs: expect.closeTo(400) }]);
    expect(seconds(rig, 'unknown')).toBeCloseTo(700);
  });

  it('charges nothing twice when stalls follow faster than they are explained', () => {
    const rig = createRig();
    const account = createStallAccount(rig.ledger);
    const detector = createDetector(THRESHOLD, { count: 0, ms: 0 });
    const waiting = [];
    for (let i = 0; i < 10; i++) {
      rig.pass(400);
      const { finished, live } = detector.observe(rig.now(), rig.read(), rig.readRing);
      waiting.push(...finished);
      if (live) account.charge(live, all('cpu'));
      rig.mark();
    }
    waiting.push(...detector.observe(rig.now(), rig.read(), rig.readRing).finished);
    for (const stall of waiting) account.count(stall, all('cpu'));
    expect(seconds(rig, 'cpu')).toBeCloseTo(4000);
    expect(rig.ledger.get('stallSumMs')).toBeCloseTo(4000);
  });

  it('counts nothing while the app starts up', () => {
    const rig = createRig();
    rig.pass(5000);
    observer(rig)();
    expect(seconds(rig, 'unknown')).toBe(0);
  });

  it('leaves what was charged to a first guess where it is', () => {
    const rig = createRig();
    let cause: Cause = 'cpu';
    const observe = observer(rig, () => cause);
    rig.idle(100);
    rig.pass(600);
    observe();
    cause = 'gc';
    rig.pass(100);
    rig.mark();
    observe();
    expect(seconds(rig, 'cpu') + seconds(rig, 'gc')).toBeCloseTo(700);
    expect(seconds(rig, 'cpu')).toBeCloseTo(500);
    expect(rig.ledger.get('stallsByCause', CAUSES.indexOf('gc'))).toBe(1);
  });

  it('charges a pause with what it took, whatever the cause is, and never more', () => {
    const rig = createRig();
    const account = createStallAccount(rig.ledger);
    const stall = { turn: 0, startMs: 1100, durationMs: 1000 };
    // It ran for 300 ms, was stopped for 550, which is seen when it goes on, and ran again.
    account.charge({ ...stall, stallMs: 300 }, all('cpu'));
    const charge: Charge = { cause: 'paused', pausedMs: 550, besides: 'cpu' };
    account.charge({ ...stall, stallMs: 850 }, charge);
    // Another sidecar goes on.
    createStallAccount(rig.ledger).count(stall, charge);
    expect(seconds(rig, 'paused')).toBeCloseTo(550);
    expect(seconds(rig, 'cpu')).toBeCloseTo(450);
    expect(rig.ledger.get('stallsByCause', CAUSES.indexOf('paused'))).toBe(1);

    // What was charged to a wrong guess stays there.
    const next = { turn: 7, startMs: 5000, durationMs: 500 };
    account.charge({ ...next, stallMs: 400 }, all('blocked'));
    account.count(next, { cause: 'paused', pausedMs: 450, besides: 'blocked' });
    expect(seconds(rig, 'blocked')).toBeCloseTo(400);
    expect(seconds(rig, 'paused')).toBeCloseTo(650);
  });

  it('goes on where a sidecar that died in the middle of a stall left off', () => {
    const rig = createRig();
    rig.idle(100);
    rig.pass(600);
    observer(rig)();
    rig.pass(600);
    observer(rig)();
    rig.mark();
    observer(rig)();
    expect(seconds(rig, 'unknown')).toBeCloseTo(1200);
    expect(rig.ledger.get('stallCount')).toBe(1);
  });

  it('counts stalls that the ring forgot', () => {
    const rig = createRig();
    const observe = observer(rig);
    const lengths = Array.from({ length: RING_SIZE + 50 }, (_, i) => 100 + i);
    for (const ms of lengths) rig.busy(ms);
    expect(observe()).toHaveLength(RING_SIZE);
    expect(rig.ledger.get('stallCount')).toBe(lengths.length);
    expect(rig.ledger.get('stallSumMs')).toBeCloseTo(total(lengths));
    expect(seconds(rig, 'unknown')).toBeCloseTo(total(lengths));
  });
});

describe('a moment has one wall time', () => {
  afterEach(() => vi.useRealTimers());
  /** The system's clock is an hour ahead from now on. */
  const stepClock = (): void => {
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 3_600_000 });
  };

  it('which no setting of the clock, nor another sidecar, changes', () => {
    const rig = createRig();
    const momentMs = now() - 5000;
    const before = Date.now();
    const wallMs = wallTimeOf(rig.ledger, 'heartbeatAt', momentMs);
    expect(Math.abs(wallMs - (before - 5000))).toBeLessThan(1000);
    stepClock();
    expect(wallTimeOf(rig.ledger, 'heartbeatAt', momentMs)).toBe(wallMs);
    expect(wallTimeOf(rig.ledger, 'heartbeatAt', momentMs + 1) - wallMs).toBeGreaterThan(3_500_000);
  });

  it('also the start of a stall; what is found out of it later moves it by as much', () => {
    const { ledger } = createRig();
    const first = createStallAccount(ledger);
    const startMs = now() - 5000;
    const told = first.startedAt(7, startMs);
    first.charge({ turn: 7, startMs, stallMs: 400 }, all('cpu'));
    expect(Math.round(ledger.get('lastStallWallMs'))).toBe(told);
    stepClock();
    const next = createStallAccount(ledger);
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
