import { beforeEach, describe, expect, it } from 'vitest';
import { createShedder } from '../../../../src/shedding/shedder.js';
import type { Pressure } from '../../../../src/types.js';

let nowMs: number;
let random: number;
let pressure: Pressure | undefined;

const shedderOf = (maxLag: number, maxQueued: number): (() => boolean) =>
  createShedder(
    { maxLag, maxQueued },
    {
      now: () => nowMs,
      random: () => random,
      watchdog: () => pressure && { pressure: () => pressure as Pressure },
    },
  );

beforeEach(() => {
  nowMs = 0;
  random = 0;
  pressure = { lagMs: 0, utilization: 0, pools: {}, threadpoolDelayMs: 0 };
});

describe('the share that is let in', () => {
  let shouldShed: () => boolean;
  beforeEach(() => {
    shouldShed = shedderOf(150, Number.POSITIVE_INFINITY);
  });

  /** The share after some seconds of this, with requests all the time. */
  function shareAfter(seconds: number, now: Partial<Pressure>): number {
    pressure = { ...(pressure as Pressure), ...now };
    for (let second = 0; second < seconds; second++) {
      nowMs += 1000;
      shouldShed();
    }
    return currentShare();
  }

  function currentShare(): number {
    let share = 0;
    for (random = 0; random < 0.9995; random += 0.001) if (!shouldShed()) share += 0.001;
    return share;
  }

  it('stays whole on a loop that is always busy and never late', () => {
    expect(shareAfter(60, { lagMs: 100, utilization: 1 })).toBeCloseTo(1);
  });

  it('stays whole on a loop that was late once and has time', () => {
    expect(shareAfter(60, { lagMs: 3000, utilization: 0.6 })).toBeCloseTo(1);
  });

  it('falls on a loop that is busy and late, by how late it is', () => {
    expect(shareAfter(1, { lagMs: 300, utilization: 1 })).toBeCloseTo(0.5, 2);
    expect(shareAfter(1, { lagMs: 60_000, utilization: 1 })).toBeCloseTo(0.125, 2);
    expect(shareAfter(60, { lagMs: 60_000, utilization: 1 })).toBeCloseTo(0.01, 2);
  });

  it('once it has fallen, falls on until the loop has idle time again', () => {
    shareAfter(1, { lagMs: 300, utilization: 1 });
    expect(shareAfter(1, { lagMs: 20, utilization: 1 })).toBeCloseTo(0.45, 2);
    expect(shareAfter(1, { lagMs: 20, utilization: 0.9 })).toBeCloseTo(0.45, 2);
    expect(shareAfter(1, { lagMs: 20, utilization: 0.75 })).toBeCloseTo(0.54, 2);
  });

  it('is whole again some seconds after, also if nobody asked meanwhile', () => {
    shareAfter(1, { lagMs: 600, utilization: 1 });
    expect(shareAfter(4, { lagMs: 5, utilization: 0.1 })).toBeCloseTo(1);

    shareAfter(1, { lagMs: 600, utilization: 1 });
    nowMs += 10_000;
    expect(shareAfter(1, { lagMs: 5, utilization: 0 })).toBeCloseTo(1);
  });
});

describe('queues', () => {
  const waiting = (images: number, mails: number): void => {
    const pool = { active: 1, capacity: 1 };
    const pools = { images: { ...pool, queued: images }, mails: { ...pool, queued: mails } };
    pressure = { ...(pressure as Pressure), pools };
  };

  it('fill up to the limit, whichever it is, and then nobody is let in until there is room', () => {
    const shouldShed = shedderOf(150, 10);
    waiting(10, 10);
    expect(shouldShed()).toBe(false);
    waiting(0, 11);
    expect(shouldShed()).toBe(true);
    // What cannot be known is no queue.
    waiting(10, Number.NaN);
    expect(shouldShed()).toBe(false);
  });

  it('do not count without a limit', () => {
    const shouldShed = shedderOf(150, Number.POSITIVE_INFINITY);
    waiting(1e6, 0);
    expect(shouldShed()).toBe(false);
  });
});

it('lag does not count without a limit', () => {
  const shouldShed = shedderOf(Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY);
  pressure = { ...(pressure as Pressure), lagMs: 60_000, utilization: 1 };
  nowMs = 5000;
  random = 0.9999;
  expect(shouldShed()).toBe(false);
});

it('without a watchdog all are let in', () => {
  const shouldShed = shedderOf(150, 0);
  pressure = undefined;
  nowMs = 5000;
  random = 0.9999;
  expect(shouldShed()).toBe(false);
});
