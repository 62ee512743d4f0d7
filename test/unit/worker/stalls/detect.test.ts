import { describe, expect, it } from 'vitest';
import { createDetector } from '../../../../worker/stalls/detect.js';
import { createVirtualLoop, type VirtualLoop } from '../../../support/virtual-loop.js';

describe('the detector', () => {
  const watch = (loop: VirtualLoop) => {
    const detector = createDetector(100, { count: 0, ms: 0 });
    return () => detector.observe(loop.now(), loop.read(), loop.readRing);
  };

  it('sees nothing in idleness, short turns and start-up', () => {
    const nothing = { finished: [], lost: undefined, live: undefined };
    const starting = createVirtualLoop();
    starting.pass(5000);
    expect(watch(starting)()).toEqual(nothing);
    const loop = createVirtualLoop();
    const observe = watch(loop);
    for (let i = 0; i < 50; i++) {
      loop.idle(90);
      loop.busy(99);
      expect(observe()).toEqual(nothing);
    }
  });

  it.each([
    ['in idleness', (loop: VirtualLoop) => loop.idle(130)],
    ['in a turn', (loop: VirtualLoop) => loop.busy(40)],
  ])('sees a stall that began %s, from its due moment on', (_, before) => {
    const loop = createVirtualLoop();
    const observe = watch(loop);
    before(loop);
    const { dueMs, turns } = loop.read();
    loop.pass(dueMs - loop.now() + 99.9);
    expect(observe().live).toBeUndefined();
    loop.pass(0.1);
    expect(observe().live).toMatchObject({
      turn: turns,
      startMs: expect.closeTo(dueMs),
      stallMs: expect.closeTo(100),
    });
  });

  it('leaves a paused span out of a stall under way', () => {
    const loop = createVirtualLoop();
    const observe = watch(loop);
    loop.idle(100);
    loop.enterPause();
    loop.pass(2000);
    expect(observe().live).toBeUndefined();
    loop.leavePause();
    loop.pass(250);
    expect(observe().live).toMatchObject({ stallMs: expect.closeTo(250) });
  });

  it('sees the time in which the machine was suspended as one stall, if the clock went on', () => {
    const loop = createVirtualLoop();
    const observe = watch(loop);
    loop.idle(50);
    loop.starved(60_000);
    expect(observe().finished).toMatchObject([{ durationMs: expect.closeTo(59_950) }]);
  });
});
