import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { allocate, GC, type GcValues, openReader, openWriter } from '../../src/shared/layout.js';
import type { Stall } from '../../src/shared/protocol.js';
import { createBudget } from '../../worker/captures/budget.js';
import { openCgroup } from '../../worker/cgroup.js';
import { openThread, type ThreadTimes } from '../../worker/proc.js';
import { classify } from '../../worker/stalls/classify.js';
import { createDetector } from '../../worker/stalls/detect.js';
import { createEvidenceBook } from '../../worker/stalls/evidence.js';
import { createHangGuard } from '../../worker/stalls/hang.js';
import { createJournal, fingerprintOf } from '../../worker/stalls/journal.js';
import { createPauseBook } from '../../worker/stalls/pauses.js';
import { createRig, type Rig } from './rig.js';

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
  const watch = (rig: Rig) => {
    const detector = createDetector(100, { count: 0, ms: 0 });
    return () => detector.observe(rig.now(), rig.read(), rig.readRing);
  };

  it('sees nothing in idleness, short turns and start-up', () => {
    const nothing = { finished: [], lost: undefined, live: undefined };
    const starting = createRig();
    starting.pass(5000);
    expect(watch(starting)()).toEqual(nothing);
    const rig = createRig();
    const look = watch(rig);
    for (let i = 0; i < 50; i++) {
      rig.idle(90);
      rig.busy(99);
      expect(look()).toEqual(nothing);
    }
  });

  it.each([
    ['in idleness', (rig: Rig) => rig.idle(130)],
    ['in a turn', (rig: Rig) => rig.busy(40)],
  ])('sees a stall that began %s, from its due moment on', (_, before) => {
    const rig = createRig();
    const look = watch(rig);
    before(rig);
    const { dueMs, turns } = rig.read();
    rig.pass(dueMs - rig.now() + 99.9);
    expect(look().live).toBeUndefined();
    rig.pass(0.1);
    expect(look().live).toMatchObject({
      turn: turns,
      startMs: expect.closeTo(dueMs),
      stallMs: expect.closeTo(100),
    });
  });

  it('leaves a paused span out of a stall under way', () => {
    const rig = createRig();
    const look = watch(rig);
    rig.idle(100);
    rig.enterPause();
    rig.pass(2000);
    expect(look().live).toBeUndefined();
    rig.leavePause();
    rig.pass(250);
    expect(look().live).toMatchObject({ stallMs: expect.closeTo(250) });
  });

  it('sees the time in which the machine was suspended as one stall, if the clock went on', () => {
    const rig = createRig();
    const look = watch(rig);
    rig.idle(50);
    rig.starved(60_000);
    expect(look().finished).toMatchObject([{ durationMs: expect.closeTo(59_950) }]);
  });
});

describe('evidence', () => {
  const NO_GC: GcValues = openReader(GC, allocate(GC))();
  /** A thread whose accounts the test keeps. */
  function bookOf(rig: Rig) {
    const times = { cpuMs: 0, runQueueMs: 0 };
    const state = { runnable: false };
    const book = createEvidenceBook(
      () => ({ ...times }),
      () => state.runnable,
      () => 0,
    );
    return {
      times,
      state,
      look: (stalled: boolean) => book.note(rig.now(), rig.read(), stalled),
      explain: () => {
        const ring = rig.readRing();
        const place = rig.read().stalls - 1;
        return book.explain(ring.startMs[place] as number, ring.durationMs[place] as number, NO_GC);
      },
    };
  }

  it('splits a stall by the accounts of the thread', () => {
    const rig = createRig();
    const { times, look, explain } = bookOf(rig);
    rig.idle(500);
    look(false);
    rig.pass(300);
    Object.assign(times, { cpuMs: 200, runQueueMs: 60 });
    rig.mark();
    look(true);
    expect(explain()).toMatchObject({
      cpuMs: expect.closeTo(200),
      runQueueMs: expect.closeTo(60),
      sleepMs: expect.closeTo(40),
    });
  });

  it('does not blame a stall for what the loop did before it', () => {
    const rig = createRig();
    const { times, look, explain } = bookOf(rig);
    rig.idle(500);
    look(false);
    for (let i = 0; i < 9; i++) rig.busy(90); // 810 ms of CPU in short turns, then 300 ms asleep
    times.cpuMs = 810;
    rig.busy(300);
    look(true);
    expect(explain()).toMatchObject({ cpuMs: expect.closeTo(0), sleepMs: expect.closeTo(300) });
  });

  it('explains a stall by the reading before it, however long it is and whatever came earlier', () => {
    const rig = createRig();
    const { times, look, explain } = bookOf(rig);
    const stall = (cpu: boolean): void => {
      rig.idle(2000);
      look(false);
      for (let i = 0; i < 400; i++) {
        rig.pass(50);
        if (cpu) times.cpuMs += 50;
        look(true);
      }
      rig.mark();
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
      const rig = createRig();
      const { times, state, look, explain } = bookOf(rig);
      rig.idle(1000);
      look(false);
      rig.pass(200);
      state.runnable = true;
      look(true);
      rig.pass(100);
      times.cpuMs += 100;
      look(true);
      state.runnable = is === 'runnable';
      for (let i = 0; i < 14; i++) {
        rig.pass(50);
        look(true);
      }
      rig.mark();
      expect(explain()).toMatchObject({
        cpuMs: expect.closeTo(100),
        runQueueMs: expect.closeTo(runQueueMs),
        sleepMs: expect.closeTo(sleepMs),
      });
    },
  );

  it('sums all collections that overlap the stall, and no other', () => {
    const memory = allocate(GC);
    const writer = openWriter('main', GC, memory);
    const collections = [
      [900, 150],
      [1100, 200],
      [1400, 50],
      [1490, 500],
      [3000, 100],
    ];
    collections.forEach(([start, duration], i) => {
      writer.values[writer.at.startMs + i] = start as number;
      writer.values[writer.at.durationMs + i] = duration as number;
    });
    const book = createEvidenceBook(
      () => undefined,
      () => false,
      () => 0,
    );
    expect(book.explain(1000, 500, openReader(GC, memory)())).toEqual({
      gcMs: 50 + 200 + 50 + 10,
      pausedMs: 0,
    });
  });
});

describe('classify', () => {
  const linux = { cpuMs: 0, runQueueMs: 0, sleepMs: 0, gcMs: 0, pausedMs: 0 };
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
    ['paused', { ...linux, cpuMs: 20, sleepMs: 980, pausedMs: 950 }],
    ['unknown', { gcMs: 400, pausedMs: 0 }],
    ['gc', { gcMs: 600, pausedMs: 0 }],
    ['paused', { gcMs: 0, pausedMs: 900 }],
  ])('%s: %o', (cause, evidence) => {
    expect(classify(1000, evidence)).toBe(cause);
  });
});

describe('a pause of the process', () => {
  const bookOf = (looks: (ThreadTimes | undefined)[]) => createPauseBook(() => looks.shift());
  const at = (cpuMs: number, runQueueMs: number): ThreadTimes => ({ cpuMs, runQueueMs });

  it.each([
    ['the sidecar is late and did nothing', [at(10, 0), at(10.2, 0.1)], 700, 700],
    ['it was busy itself', [at(10, 0), at(710, 0)], 700, 0],
    ['it got no CPU either', [at(10, 0), at(10, 650)], 700, 0],
    ['it is hardly late', [at(10, 0), at(10, 0)], 30, 0],
    ['nothing is known of its thread', [undefined, undefined], 700, 700],
  ])('%s', (_, looks, lateMs, pauseMs) => {
    const book = bookOf(looks);
    expect(book.note(5000, lateMs)).toBe(pauseMs);
    expect(book.pausedBetween(4500, 6000)).toBe(Math.min(pauseMs, 500));
  });

  it('is told from the work of the looks before it, which came on time', () => {
    let cpuMs = 0;
    const book = createPauseBook(() => at(cpuMs, 0));
    for (let look = 1; look <= 50; look++) {
      cpuMs += 3;
      expect(book.note(200 * look, 1)).toBe(0);
    }
    expect(book.note(10_300, 100)).toBe(100);
  });

  it('may have begun right after the last look: a stall that ended with it lay in it', () => {
    const book = bookOf([at(0, 0), at(0, 0), at(0, 0)]);
    book.note(4800, 0);
    book.note(5100, 100);
    expect(book.pausedBetween(4820, 5105)).toBe(285);
    // Of those that began before the look or ended otherwise, it is what is known for sure.
    expect(book.pausedBetween(4700, 5105)).toBe(100);
    expect(book.pausedBetween(4820, 5300)).toBe(100);
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
    pausedMs: 0,
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
    expect(acts({ cause: 'paused' })).toEqual([]);
    expect(acts({ cause: 'starved', durationMs: 49_999, cpuMs: 4999 })).toEqual([]);
    expect(acts({ durationMs: 9000, pausedMs: 4500 })).toEqual([]);
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
    pausedMs: 0,
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
