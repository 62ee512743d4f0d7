import { describe, expect, it } from 'vitest';
import { createHeart, PACE_MAX_MS, QUIET_AFTER_MS } from '../../../../src/loop/turns.js';
import { latenessOf, stallOf } from '../../../../src/shared/lateness.js';
import { allocate, HEART, openReader, RING } from '../../../../src/shared/layout.js';
import { createRig } from '../../../support/virtual-loop.js';

describe('turn accounting', () => {
  it('takes waiting for events for what it is', () => {
    const rig = createRig();
    rig.idle(3000);
    expect(rig.read()).toMatchObject({ delayMs: 0, halfSquareMs2: 0, stalls: 0 });
  });

  it('measures a turn by the time it held the loop, wherever in the heartbeat it began', () => {
    const rig = createRig();
    rig.idle(70);
    rig.busy(333);
    rig.idle(50);
    const heart = rig.read();
    expect(heart.delayMs).toBeCloseTo(333);
    expect(heart.halfSquareMs2).toBeCloseTo(333 ** 2 / 2);
    expect(Array.from(heart.excessMs.slice(0, 9))).toEqual(
      [332, 330.5, 328, 323, 308, 283, 233, 83, 0].map((ms) => expect.closeTo(ms)),
    );
    expect(heart.stalls).toBe(1);
    expect(rig.readRing()).toMatchObject({ turn: expect.anything() });
    expect(rig.readRing().durationMs[0]).toBeCloseTo(333);
    expect(rig.readRing().startMs[0]).toBeCloseTo(1070);
  });

  it('counts a turn that was due but got no CPU as overdue', () => {
    const rig = createRig();
    rig.idle(30);
    rig.starved(470);
    // Due at 100, marked at 500; what came before the due moment may have been idleness.
    expect(rig.read().delayMs).toBeCloseTo(400);
    expect(rig.readRing().durationMs[0]).toBeCloseTo(400);
  });

  it('never counts more delay than time has passed', () => {
    const rig = createRig();
    for (let i = 0; i < 200; i++) {
      rig.busy(i % 7 === 0 ? 150 : 3);
      rig.starved(i % 11 === 0 ? 260 : 1);
    }
    expect(rig.read().delayMs).toBeLessThanOrEqual(rig.now() - 1000);
  });

  it('keeps the first turn from the stalls when the loop was turning already', () => {
    const memory = { heart: allocate(HEART), ring: allocate(RING) };
    const heart = createHeart(memory, {
      heartbeatIntervalMs: 100,
      stallThresholdMs: 100,
      startedAtMs: 5000,
      inLoop: true,
    });
    const read = openReader(HEART, memory.heart);
    expect(read().loopStartedAtMs).toBe(0);
    heart.mark(9000, 42, 1000); // 4 s of module loading later
    expect(read()).toMatchObject({ loopStartedAtMs: 9000, stalls: 0, delayMs: 0, turns: 1 });
  });
});

describe('stall threshold', () => {
  it.each([
    [99.9, 0],
    [100, 1],
    [100.1, 1],
  ])('a turn of %s ms makes %i stalls', (ms, stalls) => {
    const rig = createRig({ stallThreshold: 100 });
    rig.idle(10);
    rig.busy(ms);
    expect(rig.read().stalls).toBe(stalls);
  });
});

describe('pause', () => {
  it('keeps known long work from the stalls, but in the loop time', () => {
    const rig = createRig();
    rig.enterPause();
    rig.pass(800);
    rig.leavePause();
    rig.pass(40);
    rig.mark();
    expect(rig.read()).toMatchObject({ stalls: 0, pausedLateMs: 0 });
    expect(rig.read().delayMs).toBeCloseTo(840);
  });

  it('leaves the rest of the turn to count', () => {
    const rig = createRig();
    rig.enterPause();
    rig.pass(800);
    rig.leavePause();
    rig.pass(250);
    rig.mark();
    expect(rig.readRing().durationMs[0]).toBeCloseTo(250);
  });

  it('spans turns when the work is asynchronous, and nests', () => {
    const rig = createRig();
    rig.enterPause();
    rig.idle(50);
    rig.enterPause();
    rig.busy(500);
    rig.leavePause();
    rig.busy(500);
    rig.leavePause();
    expect(rig.read().stalls).toBe(0);
    rig.mark();
    rig.busy(500);
    expect(rig.read().stalls).toBe(1);
  });

  it('that waited hides nothing of what follows it in the turn', () => {
    const rig = createRig({ heartbeatInterval: 1000 });
    rig.enterPause();
    rig.wait(700);
    rig.pass(100);
    rig.leavePause();
    rig.pass(300);
    expect(stallOf(rig.now(), rig.read())).toBeCloseTo(100); // Due after 1000.
    rig.mark();
    expect(rig.readRing().durationMs[0]).toBeCloseTo(300);

    // Two, the second of them still open when the turn ends.
    rig.wait(50);
    rig.pass(200);
    rig.enterPause();
    rig.wait(300);
    rig.pass(60);
    rig.leavePause();
    rig.enterPause();
    rig.wait(100);
    rig.pass(70);
    rig.mark();
    expect(rig.readRing().durationMs[1]).toBeCloseTo(200);
    rig.wait(10);
    rig.pass(150);
    rig.leavePause();
    rig.pass(120);
    rig.mark();
    expect(rig.readRing().durationMs[2]).toBeCloseTo(120);
    expect(rig.read().stalls).toBe(3);
  });

  it('takes off what it held up of a loop that got no CPU', () => {
    const rig = createRig();
    rig.enterPause();
    rig.wait(600); // To libuv it is idling: 500 after it was due.
    rig.leavePause();
    rig.wait(200);
    expect(stallOf(rig.now(), rig.read())).toBeCloseTo(200);
    rig.mark();
    expect(rig.readRing().durationMs[0]).toBeCloseTo(200);
  });

  it('is seen by the sidecar while it lasts', () => {
    const rig = createRig();
    rig.idle(100);
    rig.enterPause();
    rig.pass(900);
    expect(stallOf(rig.now(), rig.read())).toBe(0);
    rig.leavePause();
    rig.pass(300);
    expect(stallOf(rig.now(), rig.read())).toBeCloseTo(300);
  });
});

describe('pacer', () => {
  it('backs off on a quiet loop; a lone turn of anything else brings it back for a beat, more for a second', () => {
    const rig = createRig();
    const paces = (ms: number): number => {
      const before = rig.read().turns;
      rig.idle(ms); // its end is an event of the app's
      return rig.read().turns - before;
    };
    // 10 in the first second, three while the interval doubles, then one a second.
    expect(paces(QUIET_AFTER_MS + 200 + 400 + 800 + 20 * PACE_MAX_MS + 300)).toBeLessThanOrEqual(
      10 + 3 + 20 + 2,
    );
    expect(rig.read().dueMs - rig.now()).toBe(100);
    expect(paces(900)).toBe(3 + 1); // after 100, 300 and 700 ms
    paces(50);
    expect(paces(900)).toBeGreaterThanOrEqual(9);
  });
});

describe('latenessOf', () => {
  it.each([
    ['before it is due', 900, 1000, 500, 0],
    ['within the slack of a timer', 1002, 1000, 500, 0],
    ['after it was due', 1300, 1000, 500, 300],
    ['when a mark came after it was due', 1300, 1000, 1200, 100],
  ])('%s', (_, now, due, mark, late) => {
    expect(latenessOf(now, due, mark)).toBe(late);
  });
});
