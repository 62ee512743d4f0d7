import { expect, it, vi } from 'vitest';
import { QUIET_AFTER_MS } from '../../../src/loop/pace.js';
import type { HealthState } from '../../../worker/health.js';
import { nextPollMs, startPoll } from '../../../worker/poll.js';
import { createVirtualLoop } from '../../support/virtual-loop.js';

it('looks at most five times a second while all is well, and sleeps as long as the pacer', () => {
  const loop = createVirtualLoop();
  loop.idle(600);
  expect(nextPollMs(loop.now(), loop.read(), 100)).toBe(200);
  for (let i = 0; i < 100; i++) {
    loop.busy(2);
    expect(nextPollMs(loop.now(), loop.read(), 10)).toBeGreaterThanOrEqual(200);
  }
});

it('looks at an idle loop just after it was due to beat, when it is awake anyhow', () => {
  const loop = createVirtualLoop();
  loop.idle(QUIET_AFTER_MS + 10_000);
  loop.idle(700); // Beats after 100, 300 and 700 ms; due in 800.
  expect(loop.read().dueMs - loop.now()).toBe(800);
  expect(nextPollMs(loop.now(), loop.read(), 100)).toBe(803);
  // Timers may fire a millisecond early: the beat has not come, and may never.
  loop.pass(802);
  expect(nextPollMs(loop.now(), loop.read(), 100)).toBeCloseTo(98);
});

it('aims at the moment at which lateness becomes a stall, then looks often', () => {
  const loop = createVirtualLoop();
  loop.idle(100); // due in 100
  loop.pass(140);
  expect(nextPollMs(loop.now(), loop.read(), 100)).toBeCloseTo(60);
  loop.pass(60);
  expect(nextPollMs(loop.now(), loop.read(), 100)).toBe(50);
});

it('on the alert after a stall looks as often as during one, and no later than it would else', () => {
  const loop = createVirtualLoop();
  loop.idle(600);
  expect(nextPollMs(loop.now(), loop.read(), 100, true)).toBe(50);
  loop.pass(100 + 75);
  expect(nextPollMs(loop.now(), loop.read(), 100, true)).toBeCloseTo(25);
});

it('neither spins during known long work nor oversleeps a large threshold', () => {
  const loop = createVirtualLoop();
  loop.idle(100);
  loop.enterPause();
  loop.pass(5000);
  expect(nextPollMs(loop.now(), loop.read(), 100)).toBe(200);
  expect(nextPollMs(loop.now(), loop.read(), 2 ** 40)).toBe(1000);
});

it('goes on after a round that failed, also one that somebody asked for', () => {
  vi.useFakeTimers();
  try {
    let rounds = 0;
    let broken = false;
    const poll = startPoll(() => Date.now(), {
      run() {
        rounds++;
        if (broken) throw new Error('a part is broken');
        return 50;
      },
      state: () => ({}) as HealthState,
    });
    broken = true;
    expect(() => poll.atOnce()).toThrow('a part is broken');
    broken = false;
    vi.advanceTimersByTime(1000);
    expect(rounds).toBeGreaterThan(10);
    poll.stop();
  } finally {
    vi.useRealTimers();
  }
});
