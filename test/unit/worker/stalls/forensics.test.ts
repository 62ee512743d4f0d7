import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { openGcNotes } from '../../../../src/loop/gc.js';
import { CLOCK_OFFSET_MS } from '../../../../src/shared/clock.js';
import { allocate, GC, type GcValues, openReader } from '../../../../src/shared/layout.js';
import type { Stall } from '../../../../src/shared/protocol.js';
import { createBudget } from '../../../../worker/captures/budget.js';
import { fingerprintOf } from '../../../../worker/reports/fingerprint.js';
import { createHangGuard } from '../../../../worker/reports/hang.js';
import { createJournal, type Offender, whereOf } from '../../../../worker/reports/journal.js';
import { classify } from '../../../../worker/stalls/classify.js';
import { collectingBetween } from '../../../../worker/stalls/collections.js';
import { createCpuHistory } from '../../../../worker/stalls/cpu-history.js';
import { createDetector } from '../../../../worker/stalls/detect.js';
import { createSuspensions } from '../../../../worker/stalls/suspensions.js';
import { openCgroup } from '../../../../worker/system/cgroup.js';
import { openThread } from '../../../../worker/system/thread.js';
import { createVirtualLoop, type VirtualLoop } from '../../../support/virtual-loop.js';

const homes: string[] = [];
afterEach(() => {
  for (const home of homes.splice(0)) rmSync(home, { recursive: true });
});

function directory(files: Record<string, string>): string {
  const home = mkdtempSync(join(tmpdir(), 'watchdog-proc-'));
  homes.push(home);
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(home, name)), { recursive: true });
    writeFileSync(join(home, name), text);
  }
  return `${home}/`;
}

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
    const look = watch(loop);
    for (let i = 0; i < 50; i++) {
      loop.idle(90);
      loop.busy(99);
      expect(look()).toEqual(nothing);
    }
  });

  it.each([
    ['in idleness', (loop: VirtualLoop) => loop.idle(130)],
    ['in a turn', (loop: VirtualLoop) => loop.busy(40)],
  ])('sees a stall that began %s, from its due moment on', (_, before) => {
    const loop = createVirtualLoop();
    const look = watch(loop);
    before(loop);
    const { dueMs, turns } = loop.read();
    loop.pass(dueMs - loop.now() + 99.9);
    expect(look().live).toBeUndefined();
    loop.pass(0.1);
    expect(look().live).toMatchObject({
      turn: turns,
      startMs: expect.closeTo(dueMs),
      stallMs: expect.closeTo(100),
    });
  });

  it('leaves a paused span out of a stall under way', () => {
    const loop = createVirtualLoop();
    const look = watch(loop);
    loop.idle(100);
    loop.enterPause();
    loop.pass(2000);
    expect(look().live).toBeUndefined();
    loop.leavePause();
    loop.pass(250);
    expect(look().live).toMatchObject({ stallMs: expect.closeTo(250) });
  });

  it('sees the time in which the machine was suspended as one stall, if the clock went on', () => {
    const loop = createVirtualLoop();
    const look = watch(loop);
    loop.idle(50);
    loop.starved(60_000);
    expect(look().finished).toMatchObject([{ durationMs: expect.closeTo(59_950) }]);
  });
});

describe('evidence', () => {
  const NO_GC: GcValues = openReader(GC, allocate(GC))();
  const NEVER = { surelyMs: 0, likelyMs: 0 };
  /** A thread whose accounts the test keeps. */
  function bookOf(loop: VirtualLoop) {
    const times = { cpuMs: 0, runQueueMs: 0 };
    const state = { runnable: false, gone: false };
    const book = createCpuHistory({
      now: loop.now,
      readStats: loop.read,
      readTimes: () => (state.gone ? undefined : { ...times }),
      isRunnable: () => state.runnable,
      suspendedBetween: () => NEVER,
    });
    return {
      times,
      state,
      look: book.note,
      /** The latest stall, or the one that is so many before it. */
      explain: (before = 0) => {
        const { turn, startMs, durationMs } = loop.readRing();
        const { stalls } = loop.read();
        for (let i = 0; i < stalls; i++) book.ended(turn[i] as number, startMs[i] as number);
        const place = stalls - 1 - before;
        return book.explain(startMs[place] as number, durationMs[place] as number, NO_GC);
      },
      explainSince: (startMs: number) => book.explain(startMs, loop.now() - startMs, NO_GC),
    };
  }

  it('splits a stall by the accounts of the thread', () => {
    const loop = createVirtualLoop();
    const { times, look, explain } = bookOf(loop);
    loop.idle(500);
    look(false);
    loop.pass(300);
    Object.assign(times, { cpuMs: 200, runQueueMs: 60 });
    loop.mark();
    look(true);
    expect(explain()).toMatchObject({
      cpuMs: expect.closeTo(200),
      runQueueMs: expect.closeTo(60),
      sleepMs: expect.closeTo(40),
    });
  });

  it('does not blame a stall for what the loop did before it', () => {
    const loop = createVirtualLoop();
    const { times, look, explain } = bookOf(loop);
    loop.idle(500);
    look(false);
    for (let i = 0; i < 9; i++) loop.busy(90); // 810 ms of CPU in short turns, then 300 ms asleep
    times.cpuMs = 810;
    loop.busy(300);
    look(true);
    expect(explain()).toMatchObject({ cpuMs: expect.closeTo(0), sleepMs: expect.closeTo(300) });
  });

  it('explains a stall by the reading before it, however long it is and whatever came earlier', () => {
    const loop = createVirtualLoop();
    const { times, look, explain } = bookOf(loop);
    const stall = (cpu: boolean): void => {
      loop.idle(2000);
      look(false);
      for (let i = 0; i < 400; i++) {
        loop.pass(50);
        if (cpu) times.cpuMs += 50;
        look(true);
      }
      loop.mark();
      look(true);
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
      const { times, state, look, explain } = bookOf(loop);
      loop.idle(1000);
      look(false);
      loop.pass(200);
      state.runnable = true;
      look(true);
      loop.pass(100);
      times.cpuMs += 100;
      look(true);
      state.runnable = is === 'runnable';
      for (let i = 0; i < 14; i++) {
        loop.pass(50);
        look(true);
      }
      loop.mark();
      expect(explain()).toMatchObject({
        cpuMs: expect.closeTo(100),
        runQueueMs: expect.closeTo(runQueueMs),
        sleepMs: expect.closeTo(sleepMs),
      });
    },
  );

  it('tells stalls of CPU alone that follow each other exactly, however few the readings and wherever they lie', () => {
    const loop = createVirtualLoop();
    const { times, look, explain } = bookOf(loop);
    const lengths = [300, 110, 240, 120, 180];
    const gaps = [0, 30, 0, 15, 5];
    let nextPollMs = loop.now();
    const work = (ms: number): void => {
      for (let passed = 0; passed < ms; passed++) {
        loop.pass(1);
        times.cpuMs++;
        if (loop.now() < nextPollMs) continue;
        look(true);
        nextPollMs += 210;
      }
    };
    loop.idle(100);
    look(true);
    lengths.forEach((ms, i) => {
      loop.wait(gaps[i] as number);
      work(ms);
      loop.mark();
    });
    loop.idle(30);
    look(true);
    for (const [i, ms] of lengths.toReversed().entries()) {
      expect(explain(i)).toMatchObject({ cpuMs: expect.closeTo(ms), sleepMs: expect.closeTo(0) });
    }
  });

  it('tells a stall by itself, not by the one next to it', () => {
    const loop = createVirtualLoop();
    const { times, look, explain } = bookOf(loop);
    const hold = (ms: number, cpuMs: number, looksAt: readonly number[]): void => {
      let passed = 0;
      for (const at of [...looksAt, ms]) {
        loop.pass(at - passed);
        times.cpuMs += ((at - passed) * cpuMs) / ms;
        passed = at;
        if (at !== ms) look(true);
      }
      loop.mark();
    };
    loop.idle(1000);
    look(true);
    hold(200, 0, [40, 90, 140, 185]);
    hold(200, 200, [35, 85, 135, 190]);
    hold(200, 0, [40, 90, 140, 185]);
    loop.idle(50);
    look(true);
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
    const { times, look, explain } = bookOf(loop);
    loop.idle(50);
    loop.pass(unseenMs); // No sidecar was there.
    times.cpuMs += unseenMs;
    look(true);
    loop.pass(300 - unseenMs);
    times.cpuMs += 300 - unseenMs;
    loop.mark();
    loop.idle(20);
    look(true);
    expect(explain()).toEqual(told);
  });

  it('keeps what it knows of a thread that is gone', () => {
    const loop = createVirtualLoop();
    const { times, state, look, explainSince } = bookOf(loop);
    loop.idle(1000);
    look(false);
    const startMs = loop.now();
    for (let i = 0; i < 10; i++) {
      loop.pass(50);
      times.cpuMs += 50;
      look(true);
    }
    loop.pass(50);
    state.gone = true;
    for (let i = 0; i < 3; i++) {
      look(true);
      loop.pass(30);
    }
    // It ended in the midst: that it did nothing since nobody can know.
    expect(explainSince(startMs)).toMatchObject({ cpuMs: expect.closeTo(640), sleepMs: expect.closeTo(0) });
  });

  it.each([
    ['stopped for all that it did not run', 285, 150, 135],
    ['asleep for longer than it was stopped', 85, 100, 85],
  ])(
    'charges no more to a pause than it took: of a thread that was %s',
    (_, likelyMs, cpuMs, suspendedMs) => {
      const loop = createVirtualLoop();
      const times = { cpuMs: 0, runQueueMs: 0 };
      const book = createCpuHistory({
        now: loop.now,
        readStats: loop.read,
        readTimes: () => ({ ...times }),
        isRunnable: () => false,
        suspendedBetween: () => ({ surelyMs: 85, likelyMs }),
      });
      loop.idle(1000);
      book.note(true);
      loop.pass(285);
      times.cpuMs = cpuMs;
      loop.mark();
      book.note(true);
      const told = book.explain(loop.now() - 285, 285, NO_GC);
      expect(told).toMatchObject({ cpuMs: expect.closeTo(cpuMs), suspendedMs: expect.closeTo(suspendedMs) });
    },
  );
});

describe('collections', () => {
  const noted = (collections: readonly (readonly [number, number])[]): GcValues => {
    const memory = allocate(GC);
    const note = openGcNotes(memory);
    // `performance.now()` of this thread, as the entries have it.
    note(collections.map(([startMs, duration]) => ({ startTime: startMs - CLOCK_OFFSET_MS, duration })));
    return openReader(GC, memory)();
  };

  const never = (): number => 0;

  it('stand still with the process', () => {
    const suspendedBetween = (fromMs: number, toMs: number): number =>
      Math.max(0, Math.min(toMs, 1800) - Math.max(fromMs, 1100));
    expect(collectingBetween(1000, 2000, noted([[1090, 750]]), suspendedBetween)).toBeCloseTo(50);
  });

  it('are summed where they overlap the stall, and nowhere else', () => {
    const gc = noted([
      [900, 150],
      [1100, 200],
      [1400, 50],
      [1490, 500],
      [3000, 100],
    ]);
    expect(collectingBetween(1000, 1500, gc, never)).toBeCloseTo(50 + 200 + 50 + 10);
  });

  it('of the time before the stall take nothing from it, and add nothing to it', () => {
    const gc = noted([
      [950, 1],
      [1005, 100],
      [1115, 5],
      [1130, 60],
    ]);
    expect(collectingBetween(1000, 1120, gc, never)).toBeCloseTo(105);
    expect(collectingBetween(1122, 1200, gc, never)).toBeCloseTo(60);
  });

  it('of a long stall are more than the ring holds: what it has forgotten was like the rest', () => {
    const stall = Array.from({ length: 2000 }, (_, i) => [10_000 + 15 * i, 10] as const);
    expect(collectingBetween(10_000, 40_000, noted(stall), never)).toBeCloseTo(20_000, -2);
    // One after the other, they need hardly any room.
    const dense = Array.from({ length: 10_000 }, (_, i) => [10_000 + 3 * i, 2.9] as const);
    const gc = noted(dense);
    expect(gc.windows).toBeLessThan(120);
    expect(collectingBetween(10_000, 40_000, gc, never)).toBeCloseTo(29_000, -2);
    expect(Math.abs(collectingBetween(39_000, 39_300, gc, never) - 290)).toBeLessThan(15);
  });
});

describe('classify', () => {
  const linux = { cpuMs: 0, runQueueMs: 0, sleepMs: 0, gcMs: 0, suspendedMs: 0 };
  it.each([
    ['cpu', { ...linux, cpuMs: 900, sleepMs: 100 }],
    ['gc', { ...linux, cpuMs: 900, gcMs: 500, sleepMs: 100 }],
    ['blocked', { ...linux, cpuMs: 100, sleepMs: 900 }],
    ['starved', { ...linux, cpuMs: 250, runQueueMs: 740 }],
    ['cpu', { ...linux, cpuMs: 380, runQueueMs: 620 }],
    ['gc', { ...linux, cpuMs: 380, gcMs: 600, runQueueMs: 620 }],
    ['cpu', { ...linux, cpuMs: 400, gcMs: 300, runQueueMs: 600 }],
    ['gc', { ...linux, cpuMs: 200, gcMs: 900, runQueueMs: 350, sleepMs: 450 }],
    ['blocked', { ...linux, cpuMs: 100, gcMs: 200, sleepMs: 900 }],
    ['suspended', { ...linux, cpuMs: 20, sleepMs: 980, suspendedMs: 950 }],
    ['suspended', { ...linux, gcMs: 990, sleepMs: 1000, suspendedMs: 950 }],
    ['unknown', { gcMs: 400, suspendedMs: 0 }],
    ['gc', { gcMs: 600, suspendedMs: 0 }],
    ['suspended', { gcMs: 0, suspendedMs: 900 }],
  ])('%s: %o', (cause, evidence) => {
    expect(classify(1000, evidence)).toBe(cause);
  });
});

describe('a pause of the process', () => {
  /** A sidecar that looks each 200 ms, with its own clock, loop and accounts. */
  function createSidecar(accounts = true) {
    let nowMs = 1000;
    let keptMs = 0;
    const own = { cpuMs: 1, runQueueMs: 0 };
    const book = createSuspensions(
      () => (accounts ? { ...own } : undefined),
      () => keptMs,
    );
    return {
      book,
      now: () => nowMs,
      /** The next look: it waited for `waitMs`, then came this much too late, for this reason. */
      look(
        waitMs: number,
        lateMs: number,
        reason: 'stopped' | 'kept' | 'busy' | 'starved' = 'stopped',
      ): number {
        nowMs += waitMs + lateMs;
        if (reason === 'kept') keptMs += waitMs + lateMs;
        if (reason === 'busy') own.cpuMs += waitMs + lateMs;
        if (reason === 'starved') own.runQueueMs += lateMs;
        return book.note(nowMs, lateMs);
      },
    };
  }

  it.each([
    ['it is late and did nothing', 700, 'stopped', true, 700],
    ['it waited for a disk itself', 700, 'kept', true, 0],
    ['it was busy itself', 700, 'busy', true, 0],
    ['it got no CPU either', 700, 'starved', true, 0],
    ['it is hardly late', 30, 'stopped', true, 0],
    ['nothing is known of its thread', 700, 'stopped', false, 700],
    ['nothing is known of its thread but that it waited for a disk', 700, 'kept', false, 0],
  ] as const)('%s', (_, lateMs, reason, accounts, suspendedMs) => {
    const { book, now, look } = createSidecar(accounts);
    look(200, 0);
    expect(look(200, lateMs, reason)).toBe(suspendedMs);
    expect(book.suspendedBetween(now() - 500, now() + 1000).surelyMs).toBe(Math.min(suspendedMs, 500));
  });

  it('may have begun right after the last look: a stall that ended with it lay in it', () => {
    const { book, now, look } = createSidecar();
    look(200, 0);
    const lookedMs = now();
    look(200, 100);
    const [from, to] = [lookedMs + 20, now() + 5];
    expect(book.suspendedBetween(from, to)).toEqual({ surelyMs: 100, likelyMs: 285 });
    // Of those that began before the look or ended otherwise, it is what is known for sure.
    expect(book.suspendedBetween(lookedMs - 100, to)).toEqual({ surelyMs: 100, likelyMs: 100 });
    expect(book.suspendedBetween(from, to + 195)).toEqual({ surelyMs: 100, likelyMs: 100 });
  });

  it('is watched out for after two suspicious looks, not after one', () => {
    const { book, now, look } = createSidecar();
    look(200, 0);
    expect(look(200, 30)).toBe(0);
    expect(book.isWary(now())).toBe(false);
    for (let i = 0; i < 5; i++) look(300, 0);
    expect(look(200, 30)).toBe(0);
    expect(look(200, 45)).toBe(45);
    expect(book.isWary(now())).toBe(true);
    for (let i = 0; i < 11; i++) look(100, 0);
    expect(book.isWary(now())).toBe(false);
  });

  it('of many in a row all are known, however many', () => {
    const { book, now, look } = createSidecar();
    look(200, 0);
    const fromMs = now();
    for (let i = 0; i < 5000; i++) {
      look(10, 65);
      look(10, 0);
      look(10, 0);
    }
    const { surelyMs } = book.suspendedBetween(fromMs, now());
    expect(surelyMs).toBeCloseTo(5000 * 65, -2);
    const { surelyMs: lately } = book.suspendedBetween(now() - 9500, now());
    expect(lately).toBeCloseTo(100 * 65, -2);
  });
});

describe('cgroup', () => {
  it('version 2', () => {
    const root = directory({
      'proc/self/cgroup': '0::/kubepods/pod1\n',
      'sys/fs/cgroup/kubepods/pod1/cpu.max': '50000 100000\n',
      'sys/fs/cgroup/kubepods/pod1/cpu.stat':
        'usage_usec 1\nnr_periods 40\nnr_throttled 7\nthrottled_usec 2500000\n',
    });
    expect(openCgroup(root)?.()).toEqual({ periods: 40, throttledPeriods: 7, throttledSeconds: 2.5 });
  });

  it('version 2 in a container, where the path is not mounted', () => {
    const root = directory({
      'proc/self/cgroup': '0::/../../pod1\n',
      'sys/fs/cgroup/cpu.max': '50000 100000\n',
      'sys/fs/cgroup/cpu.stat': 'nr_periods 1\nnr_throttled 0\nthrottled_usec 0\n',
    });
    expect(openCgroup(root)?.()).toEqual({ periods: 1, throttledPeriods: 0, throttledSeconds: 0 });
  });

  it('version 1', () => {
    const root = directory({
      'proc/self/cgroup': '5:memory:/x\n4:cpu,cpuacct:/docker/abc\n0::/\n',
      'sys/fs/cgroup/cpu,cpuacct/docker/abc/cpu.cfs_quota_us': '20000\n',
      'sys/fs/cgroup/cpu,cpuacct/docker/abc/cpu.stat':
        'nr_periods 9\nnr_throttled 3\nthrottled_time 1500000000\n',
    });
    expect(openCgroup(root)?.()).toEqual({ periods: 9, throttledPeriods: 3, throttledSeconds: 1.5 });
  });

  it.each([
    [
      'no quota',
      {
        'proc/self/cgroup': '0::/\n',
        'sys/fs/cgroup/cpu.max': 'max 100000\n',
        'sys/fs/cgroup/cpu.stat': 'nr_periods 0\n',
      },
    ],
    [
      'no quota (version 1)',
      {
        'proc/self/cgroup': '4:cpu:/\n',
        'sys/fs/cgroup/cpu/cpu.cfs_quota_us': '-1\n',
        'sys/fs/cgroup/cpu/cpu.stat': 'nr_periods 0\n',
      },
    ],
    ['no cgroups', {}],
  ])('nothing where there is %s', (_, files) => {
    expect(openCgroup(directory(files))).toBeUndefined();
  });
});

it("a thread's state is what follows the last parenthesis, whatever its name holds", () => {
  const home = directory({
    schedstat: '1500000000 250000000 99\n',
    stat: '7 (node ) R (x) S 1 2 3\n',
    syscall: 'running\n',
  });
  const thread = openThread(home.slice(0, -1));
  expect(thread.times()).toEqual({ cpuMs: 1500, runQueueMs: 250 });
  expect(thread.state()).toEqual({ state: 'S' });
  expect(openThread('/nowhere').times()).toBeUndefined();
  expect(openThread('/nowhere').state()).toBeUndefined();
});

it('a system that keeps no accounts of threads shows zeros: they are none', () => {
  const thread = openThread(directory({ schedstat: '0 0 0\n', stat: '7 (node) S 1\n' }));
  expect(thread.times()).toBeUndefined();
  expect(thread.state()).toEqual({ state: 'S' });
  // One that has never waited is another matter.
  expect(openThread(directory({ schedstat: '1500000 0 3\n' })).times()).toEqual({
    cpuMs: 1.5,
    runQueueMs: 0,
  });
});

describe('the budget of captures', () => {
  it('has three stalls in a row looked into, then one in five seconds', () => {
    const budget = createBudget();
    for (const nowMs of [0, 300, 600]) {
      expect(budget.allows(nowMs, true)).toBe(true);
      budget.spend(nowMs, 3, true);
    }
    expect(budget.allows(1000, false)).toBe(true);
    budget.spend(1000, 3, false);
    expect(budget.allows(4999, true)).toBe(false);
    expect(budget.allows(5000, true)).toBe(true);
    budget.spend(5000, 3, true);
    expect(budget.allows(9999, true)).toBe(false);
    expect(budget.allows(10_000, true)).toBe(true);
  });

  it('costs at most 0.5 % over any ten minutes, whatever a capture costs', () => {
    const budget = createBudget();
    const spent: { at: number; cost: number }[] = [];
    for (let now = 0; now < 3_600_000; now += 1000) {
      if (!budget.allows(now, false)) continue;
      budget.spend(now, 45, false);
      spent.push({ at: now, cost: 45 });
      const total = spent.filter(({ at }) => at > now - 600_000).reduce((sum, { cost }) => sum + cost, 0);
      expect(total).toBeLessThanOrEqual(3000);
    }
    expect(spent.length).toBeGreaterThan(300);
  });
});

describe('the hang guard', () => {
  const stall = (over: Partial<Stall>): Stall => ({
    id: '1',
    thread: 'main',
    cause: 'cpu',
    startedAt: '',
    durationMs: 5000,
    gcMs: 0,
    suspendedMs: 0,
    fingerprint: '',
    stacks: [],
    ...over,
  });
  const acts = (over: Partial<Stall>, debuggerAwayMs = Number.POSITIVE_INFINITY): string[] => {
    const done: string[] = [];
    const guard = createHangGuard({
      hang: { after: 5000, action: 'kill', signal: 'SIGABRT' },
      debuggerAwayMs: () => debuggerAwayMs,
      report: () => done.push('report'),
      kill: (signal) => done.push(signal),
    });
    guard(undefined);
    guard(stall(over));
    guard(stall(over));
    return done;
  };

  it('acts once a stall, when its time has come', () => {
    expect(acts({})).toEqual(['report', 'SIGABRT']);
    expect(acts({ durationMs: 4999 })).toEqual([]);
  });

  it('acts on a loop that gets too little CPU by what it had, or at last by the clock', () => {
    expect(acts({ cause: 'starved', durationMs: 20_000, cpuMs: 5000 })).toEqual(['report', 'SIGABRT']);
    expect(acts({ cause: 'starved', durationMs: 50_000, cpuMs: 100 })).toEqual(['report', 'SIGABRT']);
  });

  it('ends the process also if its report fails', () => {
    const killed: string[] = [];
    const guard = createHangGuard({
      hang: { after: 5000, action: 'kill', signal: 'SIGABRT' },
      debuggerAwayMs: () => Number.POSITIVE_INFINITY,
      report: () => {
        throw new Error('no');
      },
      kill: (signal) => killed.push(signal),
    });
    expect(() => guard(stall({}))).toThrow('no');
    expect(killed).toEqual(['SIGABRT']);
  });

  it('spares whoever is not to blame', () => {
    expect(acts({ cause: 'suspended' })).toEqual([]);
    expect(acts({ cause: 'starved', durationMs: 49_999, cpuMs: 4999 })).toEqual([]);
    expect(acts({ durationMs: 9000, suspendedMs: 4500 })).toEqual([]);
    expect(acts({}, 0)).toEqual([]);
  });
});

describe('the journal', () => {
  const frame = { function: 'f', file: '/a.js', line: 1, column: 1, internal: false };
  const stall = (id: number, over: Partial<Stall> = {}): Stall => ({
    id: String(id),
    thread: 'main',
    cause: 'cpu',
    startedAt: '',
    durationMs: 200,
    gcMs: 0,
    suspendedMs: 0,
    fingerprint: 'x',
    stacks: [],
    ...over,
  });

  it('keeps the latest hundred and the worst offenders, and nothing grows', () => {
    const journal = createJournal();
    for (let i = 0; i < 500; i++)
      journal.add(stall(i, { fingerprint: String(i % 300), durationMs: 100 + (i % 300) }));
    expect(journal.stalls()).toHaveLength(100);
    expect(journal.stalls()[0]?.id).toBe('499');
    expect(journal.find('450')).toBeDefined();
    expect(journal.find('1')).toBeUndefined();
    expect(journal.offenders()).toHaveLength(100);
    const seconds = journal.offenders().map(({ totalSeconds }) => totalSeconds);
    expect(seconds).toEqual(seconds.toSorted((a, b) => b - a));
  });

  it('lists the worst offender however many others there are, and says by how much it may be wrong', () => {
    const journal = createJournal();
    const truth = new Map<string, number>();
    const add = (fingerprint: string, durationMs: number): void => {
      journal.add(stall(0, { fingerprint, durationMs }));
      truth.set(fingerprint, (truth.get(fingerprint) ?? 0) + durationMs / 1000);
    };
    for (let i = 0; i < 100; i++) add(`first ${i}`, 1000);
    // Always new ones, and one that comes again and again, each time shorter than any other.
    for (let i = 0; i < 3000; i++) add(i % 2 ? 'worst' : `once ${i}`, i % 2 ? 300 : 400);
    const all = [...truth.values()].reduce((sum, seconds) => sum + seconds, 0);
    const [first, ...others] = journal.offenders();
    expect(first).toMatchObject({ fingerprint: 'worst' });
    for (const { fingerprint, totalSeconds, overSeconds } of [first as Offender, ...others]) {
      const seconds = truth.get(fingerprint) as number;
      expect(totalSeconds).toBeGreaterThanOrEqual(seconds - 1e-6);
      expect(totalSeconds - overSeconds).toBeLessThanOrEqual(seconds + 1e-6);
      expect(overSeconds).toBeLessThanOrEqual(all / 100);
    }
    expect(others).toHaveLength(99);
  });

  it('names the column, too, where the line says little', () => {
    const at = (over: object): string | undefined => whereOf({ culprit: { ...frame, ...over } });
    expect(at({})).toBe('f /a.js:1');
    expect(at({ column: 23_456 })).toBe('f /a.js:1:23456');
    expect(at({ code: 'x'.repeat(118) })).toBe('f /a.js:1:1');
  });

  it('gives stalls of one place one fingerprint, whatever the line', () => {
    const at = (line: number, name = 'f') => ({
      thread: 'main',
      cause: 'cpu' as const,
      stacks: [{ atMs: 200, result: 'captured' as const, frames: [{ ...frame, line, function: name }] }],
    });
    expect(fingerprintOf(at(1))).toBe(fingerprintOf(at(9)));
    expect(fingerprintOf(at(1))).not.toBe(fingerprintOf(at(1, 'g')));
    expect(fingerprintOf({ ...at(1), cause: 'gc' })).not.toBe(fingerprintOf(at(1)));
  });
});
