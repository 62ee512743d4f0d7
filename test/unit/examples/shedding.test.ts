import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

describe('the share that is let in', () => {
  const pressure = { lagMs: 0, utilization: 0 };
  let shouldShed: () => boolean;
  let random: number;

  beforeEach(async () => {
    vi.useFakeTimers({ toFake: ['performance'] });
    vi.spyOn(Math, 'random').mockImplementation(() => random);
    const { createShedder } = await import(
      new URL('../../../examples/shedding/shedding.mjs', import.meta.url).href
    );
    shouldShed = createShedder({ pressure: () => pressure });
  });
  afterEach(() => {
    vi.useRealTimers();
    vi.restoreAllMocks();
  });

  /** The share after some seconds of this, with requests all the time. */
  function shareAfter(seconds: number, now: typeof pressure): number {
    Object.assign(pressure, now);
    for (let second = 0; second < seconds; second++) {
      vi.advanceTimersByTime(1000);
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
    vi.advanceTimersByTime(10_000);
    expect(shareAfter(1, { lagMs: 5, utilization: 0 })).toBeCloseTo(1);
  });
});
