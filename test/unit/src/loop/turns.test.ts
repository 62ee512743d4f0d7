import { describe, expect, it } from 'vitest';
import { PACE_MAX_MS, QUIET_AFTER_MS } from '../../../../src/loop/pace.js';
import { createTurnMeter } from '../../../../src/loop/turns.js';
import { latenessOf, stallOf } from '../../../../src/shared/lateness.js';
import { DELAY_BOUNDS_MS, LOOP_STATS, RING } from '../../../../src/shared/layout.js';
import { NATIVE_LOWER_MS, nativeSlotOf } from '../../../../src/shared/native-buckets.js';
import { allocate, openReader } from '../../../../src/shared/regions.js';
import { createVirtualLoop, total } from '../../../support/virtual-loop.js';

describe('turn accounting', () => {
  it('takes waiting for events for what it is', () => {
    const loop = createVirtualLoop();
    loop.idle(3000);
    expect(loop.read()).toMatchObject({ delayMs: 0, halfSquareMs2: 0, stalls: 0 });
  });

  it('measures a turn by the time it held the loop, wherever in the heartbeat it began', () => {
    const loop = createVirtualLoop();
    loop.idle(70);
    loop.busy(333);
    loop.idle(50);
    const stats = loop.read();
    expect(stats.delayMs).toBeCloseTo(333);
    expect(stats.halfSquareMs2).toBeCloseTo(333 ** 2 / 2);
    expect(Array.from(stats.excessMs.slice(0, 14))).toEqual(
      [332, 330.5, 328, 323, 318, 308, 298, 283, 258, 233, 183, 133, 33, 0].map((ms) => expect.closeTo(ms)),
    );
    // 333 ms lie between 2^(-13/8) and 2^(-12/8) s.
    expect(stats.nativeTurns.findIndex((turns) => turns > 0)).toBe(nativeSlotOf(333));
    expect(NATIVE_LOWER_MS[nativeSlotOf(333)]).toBeCloseTo(1000 * 2 ** (-13 / 8));
    expect(total([...stats.nativeMs])).toBeCloseTo(333);
    expect(stats.stalls).toBe(1);
    expect(loop.readRing()).toMatchObject({ turn: expect.anything() });
    expect(loop.readRing().durationMs[0]).toBeCloseTo(333);
    expect(loop.readRing().startMs[0]).toBeCloseTo(1070);
  });

  it('counts a turn that was due but got no CPU as overdue', () => {
    const loop = createVirtualLoop();
    loop.idle(30);
    loop.starved(470);
    // Due at 100, marked at 500; what came before the due moment may have been idleness.
    expect(loop.read().delayMs).toBeCloseTo(400);
    expect(loop.readRing().durationMs[0]).toBeCloseTo(400);
  });

  it('never counts more delay than time has passed', () => {
    const loop = createVirtualLoop();
    for (let i = 0; i < 200; i++) {
      loop.busy(i % 7 === 0 ? 150 : 3);
      loop.starved(i % 11 === 0 ? 260 : 1);
    }
    expect(loop.read().delayMs).toBeLessThanOrEqual(loop.now() - 1000);
  });

  it('keeps the first turn from the stalls when the loop was turning already', () => {
    const memory = { stats: allocate(LOOP_STATS), ring: allocate(RING) };
    const meter = createTurnMeter(memory, {
      heartbeatIntervalMs: 100,
      stallThresholdMs: 100,
      delayBoundsMs: DELAY_BOUNDS_MS,
      startedAtMs: 5000,
      inLoop: true,
    });
    const read = openReader(LOOP_STATS, memory.stats);
    expect(read().loopStartedAtMs).toBe(0);
    meter.mark(9000, 42, 1000); // 4 s of module loading later
    expect(read()).toMatchObject({ loopStartedAtMs: 9000, stalls: 0, delayMs: 0, turns: 1 });
  });
});

describe('bounds of the delay', () => {
  it('are those that were asked for, and leave all else as it is', () => {
    const loop = createVirtualLoop({ delayBoundsMs: [500, 2000] });
    loop.idle(1000);
    loop.busy(300);
    loop.busy(800);
    const { excessMs, stalls, worstMs } = loop.read();
    expect([...excessMs.slice(0, 3)]).toEqual([300, 0, 0]);
    expect(stalls).toBe(2);
    expect(Math.max(...worstMs)).toBe(800);
  });

  it('may be so low that a short turn counts', () => {
    const loop = createVirtualLoop({ delayBoundsMs: [0.1, 0.3] });
    loop.idle(1000);
    loop.busy(0.5);
    expect(loop.read().excessMs[0]).toBeCloseTo(0.4);
    expect(loop.read().excessMs[1]).toBeCloseTo(0.2);
  });
});

describe('stall threshold', () => {
  it.each([
    [99.9, 0],
    [100, 1],
    [100.1, 1],
  ])('a turn of %s ms makes %i stalls', (ms, stalls) => {
    const loop = createVirtualLoop({ stallThreshold: 100 });
    loop.idle(10);
    loop.busy(ms);
    expect(loop.read().stalls).toBe(stalls);
  });
});

describe('pause', () => {
  it('keeps known long work from the stalls, but in the loop time', () => {
    const loop = createVirtualLoop();
    loop.enterPause();
    loop.pass(800);
    loop.leavePause();
    loop.pass(40);
    loop.mark();
    expect(loop.read()).toMatchObject({ stalls: 0, pausedLateMs: 0 });
    expect(loop.read().delayMs).toBeCloseTo(840);
  });

  it('leaves the rest of the turn to count', () => {
    const loop = createVirtualLoop();
    loop.enterPause();
    loop.pass(800);
    loop.leavePause();
    loop.pass(250);
    loop.mark();
    expect(loop.readRing().durationMs[0]).toBeCloseTo(250);
  });

  it('spans turns when the work is asynchronous, and nests', () => {
    const loop = createVirtualLoop();
    loop.enterPause();
    loop.idle(50);
    loop.enterPause();
    loop.busy(500);
    loop.leavePause();
    loop.busy(500);
    loop.leavePause();
    expect(loop.read().stalls).toBe(0);
    loop.mark();
    loop.busy(500);
    expect(loop.read().stalls).toBe(1);
  });

  it('that waited hides nothing of what follows it in the turn', () => {
    const loop = createVirtualLoop({ heartbeatInterval: 1000 });
    loop.enterPause();
    loop.wait(700);
    loop.pass(100);
    loop.leavePause();
    loop.pass(300);
    expect(stallOf(loop.now(), loop.read())).toBeCloseTo(100); // Due after 1000.
    loop.mark();
    expect(loop.readRing().durationMs[0]).toBeCloseTo(300);

    // Two, the second of them still open when the turn ends.
    loop.wait(50);
    loop.pass(200);
    loop.enterPause();
    loop.wait(300);
    loop.pass(60);
    loop.leavePause();
    loop.enterPause();
    loop.wait(100);
    loop.pass(70);
    loop.mark();
    expect(loop.readRing().durationMs[1]).toBeCloseTo(200);
    loop.wait(10);
    loop.pass(150);
    loop.leavePause();
    loop.pass(120);
    loop.mark();
    expect(loop.readRing().durationMs[2]).toBeCloseTo(120);
    expect(loop.read().stalls).toBe(3);
  });

  it('takes off what it held up of a loop that got no CPU', () => {
    const loop = createVirtualLoop();
    loop.enterPause();
    loop.wait(600); // To libuv it is idling: 500 after it was due.
    loop.leavePause();
    loop.wait(200);
    expect(stallOf(loop.now(), loop.read())).toBeCloseTo(200);
    loop.mark();
    expect(loop.readRing().durationMs[0]).toBeCloseTo(200);
  });

  it('is seen by the sidecar while it lasts', () => {
    const loop = createVirtualLoop();
    loop.idle(100);
    loop.enterPause();
    loop.pass(900);
    expect(stallOf(loop.now(), loop.read())).toBe(0);
    loop.leavePause();
    loop.pass(300);
    expect(stallOf(loop.now(), loop.read())).toBeCloseTo(300);
  });
});

describe('pacer', () => {
  it('backs off on a quiet loop; one other turn brings it back for a beat, more for a second', () => {
    const loop = createVirtualLoop();
    const paces = (ms: number): number => {
      const before = loop.read().turns;
      loop.idle(ms); // its end is an event of the app's
      return loop.read().turns - before;
    };
    // 10 in the first second, three while the interval doubles, then one a second.
    expect(paces(QUIET_AFTER_MS + 200 + 400 + 800 + 20 * PACE_MAX_MS + 300)).toBeLessThanOrEqual(
      10 + 3 + 20 + 2,
    );
    expect(loop.read().dueMs - loop.now()).toBe(100);
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
