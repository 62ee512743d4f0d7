import { describe, expect, it } from 'vitest';
import { GC, type GcValues } from '../../../../src/shared/layout.js';
import { allocate, openReader } from '../../../../src/shared/regions.js';
import { createCpuHistory } from '../../../../worker/stalls/cpu-history.js';
import { createVirtualLoop, type VirtualLoop } from '../../../support/virtual-loop.js';

describe('the CPU history', () => {
  const NO_GC: GcValues = openReader(GC, allocate(GC))();
  const NEVER = { surelyMs: 0, likelyMs: 0 };
  /** The history of a thread whose CPU times the test sets. */
  function historyOf(loop: VirtualLoop) {
    const times = { cpuMs: 0, runQueueMs: 0 };
    const state = { runnable: false, gone: false };
    const history = createCpuHistory({
      now: loop.now,
      readStats: loop.read,
      readTimes: () => (state.gone ? undefined : { ...times }),
      isRunnable: () => state.runnable,
      suspendedBetween: () => NEVER,
    });
    return {
      times,
      state,
      note: history.note,
      /** The latest stall, or the one that is so many before it. */
      explain: (before = 0) => {
        const { turn, startMs, durationMs } = loop.readRing();
        const { stalls } = loop.read();
        for (let i = 0; i < stalls; i++) history.ended(turn[i] as number, startMs[i] as number);
        const latest = stalls - 1 - before;
        return history.explain(startMs[latest] as number, durationMs[latest] as number, NO_GC);
      },
      explainSince: (startMs: number) => history.explain(startMs, loop.now() - startMs, NO_GC),
    };
  }

  it('splits a stall by the accounts of the thread', () => {
    const loop = createVirtualLoop();
    const { times, note, explain } = historyOf(loop);
    loop.idle(500);
    note(false);
    loop.pass(300);
    Object.assign(times, { cpuMs: 200, runQueueMs: 60 });
    loop.mark();
    note(true);
    expect(explain()).toMatchObject({
      cpuMs: expect.closeTo(200),
      runQueueMs: expect.closeTo(60),
      sleepMs: expect.closeTo(40),
    });
  });

  it('does not blame a stall for what the loop did before it', () => {
    const loop = createVirtualLoop();
    const { times, note, explain } = historyOf(loop);
    loop.idle(500);
    note(false);
    for (let i = 0; i < 9; i++) loop.busy(90); // 810 ms of CPU in short turns, then 300 ms asleep
    times.cpuMs = 810;
    loop.busy(300);
    note(true);
    expect(explain()).toMatchObject({ cpuMs: expect.closeTo(0), sleepMs: expect.closeTo(300) });
  });

  it('explains a stall by the reading before it, however long it is and whatever came earlier', () => {
    const loop = createVirtualLoop();
    const { times, note, explain } = historyOf(loop);
    const stall = (cpu: boolean): void => {
      loop.idle(2000);
      note(false);
      for (let i = 0; i < 400; i++) {
        loop.pass(50);
        if (cpu) times.cpuMs += 50;
        note(true);
      }
      loop.mark();
      note(true);
    };
    stall(false);
    stall(true);
    // Its first part was idle until due: nobody can know that before its end, and after it everybody does.
    expect(explain()).toMatchObject({ cpuMs: expect.closeTo(20_000), sleepMs: expect.closeTo(0) });
  });

  it.each([
    ['runnable', 700, 200],
    ['asleep', 0, 900],
  ])(
    'knows of a wait for a CPU that goes on: of a thread that stands still, %s',
    (is, runQueueMs, sleepMs) => {
      const loop = createVirtualLoop();
      const { times, state, note, explain } = historyOf(loop);
      loop.idle(1000);
      note(false);
      loop.pass(200);
      state.runnable = true;
      note(true);
      loop.pass(100);
      times.cpuMs += 100;
      note(true);
      state.runnable = is === 'runnable';
      for (let i = 0; i < 14; i++) {
        loop.pass(50);
        note(true);
      }
      loop.mark();
      expect(explain()).toMatchObject({
        cpuMs: expect.closeTo(100),
        runQueueMs: expect.closeTo(runQueueMs),
        sleepMs: expect.closeTo(sleepMs),
      });
    },
  );

  it('tells stalls of CPU alone in a row exactly, however few the readings and wherever they lie', () => {
    const loop = createVirtualLoop();
    const { times, note, explain } = historyOf(loop);
    const lengths = [300, 110, 240, 120, 180];
    const gaps = [0, 30, 0, 15, 5];
    let nextPollMs = loop.now();
    const work = (ms: number): void => {
      for (let passed = 0; passed < ms; passed++) {
        loop.pass(1);
        times.cpuMs++;
        if (loop.now() < nextPollMs) continue;
        note(true);
        nextPollMs += 210;
      }
    };
    loop.idle(100);
    note(true);
    lengths.forEach((ms, i) => {
      loop.wait(gaps[i] as number);
      work(ms);
      loop.mark();
    });
    loop.idle(30);
    note(true);
    for (const [i, ms] of lengths.toReversed().entries()) {
      expect(explain(i)).toMatchObject({ cpuMs: expect.closeTo(ms), sleepMs: expect.closeTo(0) });
    }
  });

  it('tells a stall by itself, not by the one next to it', () => {
    const loop = createVirtualLoop();
    const { times, note, explain } = historyOf(loop);
    const hold = (ms: number, cpuMs: number, notedAt: readonly number[]): void => {
      let passed = 0;
      for (const at of [...notedAt, ms]) {
        loop.pass(at - passed);
        times.cpuMs += ((at - passed) * cpuMs) / ms;
        passed = at;
        if (at !== ms) note(true);
      }
      loop.mark();
    };
    loop.idle(1000);
    note(true);
    hold(200, 0, [40, 90, 140, 185]);
    hold(200, 200, [35, 85, 135, 190]);
    hold(200, 0, [40, 90, 140, 185]);
    loop.idle(50);
    note(true);
    const cpu = [2, 1, 0].map((before) => explain(before).cpuMs);
    expect(cpu).toEqual([expect.closeTo(0), expect.closeTo(200), expect.closeTo(0)]);
  });

  it.each([
    [
      'most',
      100,
      { cpuMs: expect.closeTo(300), runQueueMs: 0, sleepMs: expect.closeTo(0), gcMs: 0, suspendedMs: 0 },
    ],
    ['little', 200, { gcMs: 0, suspendedMs: 0 }],
  ])('tells of a stall of which it has seen %s what it knows', (_, unseenMs, told) => {
    const loop = createVirtualLoop();
    const { times, note, explain } = historyOf(loop);
    loop.idle(50);
    loop.pass(unseenMs); // No sidecar was there.
    times.cpuMs += unseenMs;
    note(true);
    loop.pass(300 - unseenMs);
    times.cpuMs += 300 - unseenMs;
    loop.mark();
    loop.idle(20);
    note(true);
    expect(explain()).toEqual(told);
  });

  it('keeps what it knows of a thread that is gone', () => {
    const loop = createVirtualLoop();
    const { times, state, note, explainSince } = historyOf(loop);
    loop.idle(1000);
    note(false);
    const startMs = loop.now();
    for (let i = 0; i < 10; i++) {
      loop.pass(50);
      times.cpuMs += 50;
      note(true);
    }
    loop.pass(50);
    state.gone = true;
    for (let i = 0; i < 3; i++) {
      note(true);
      loop.pass(30);
    }
    // It ended in the midst: that it did nothing since nobody can know.
    expect(explainSince(startMs)).toMatchObject({ cpuMs: expect.closeTo(640), sleepMs: expect.closeTo(0) });
  });

  it.each([
    ['stopped for all that it did not run', 285, 150, 135],
    ['asleep for longer than it was stopped', 85, 100, 85],
  ])(
    'charges no more to a suspension than it took: of a thread that was %s',
    (_, likelyMs, cpuMs, suspendedMs) => {
      const loop = createVirtualLoop();
      const times = { cpuMs: 0, runQueueMs: 0 };
      const history = createCpuHistory({
        now: loop.now,
        readStats: loop.read,
        readTimes: () => ({ ...times }),
        isRunnable: () => false,
        suspendedBetween: () => ({ surelyMs: 85, likelyMs }),
      });
      loop.idle(1000);
      history.note(true);
      loop.pass(285);
      times.cpuMs = cpuMs;
      loop.mark();
      history.note(true);
      const told = history.explain(loop.now() - 285, 285, NO_GC);
      expect(told).toMatchObject({ cpuMs: expect.closeTo(cpuMs), suspendedMs: expect.closeTo(suspendedMs) });
    },
  );
});
