import { describe, expect, it } from 'vitest';
import { CULPRITS_MAX, LOOP_LEDGER } from '../../../../src/shared/layout.js';
import { allocate } from '../../../../src/shared/regions.js';
import { type LoopLedger, openLedger } from '../../../../worker/counters.js';
import { createCulpritBoard, type LoopCulprits } from '../../../../worker/culprits/board.js';
import { type Random, randomBetween, SEED } from '../../../support/seed.js';

const MINUTE = 60_000;
/** For so long a series is 0, and its last value stays. */
const SHOWN = 1.5 * MINUTE;

/** What terminate() does to a sidecar: it is gone between two of its writes. */
class Death extends Error {}

/** A ledger whose owner may die at any write, before it or after. */
function killable(ledger: LoopLedger, dies: () => boolean): LoopLedger {
  const write =
    <A extends unknown[], R>(act: (...args: A) => R) =>
    (...args: A): R => {
      if (dies()) throw new Death();
      const result = act(...args);
      if (dies()) throw new Death();
      return result;
    };
  return { ...ledger, add: write(ledger.add), set: write(ledger.set), raise: write(ledger.raise) };
}

/** Two threads of a process, and their sidecars one after the other. */
function createProcess(dies: () => boolean = () => false) {
  const ledgers = [0, 1].map(() => openLedger(LOOP_LEDGER, allocate(LOOP_LEDGER)));
  let nowMs = 1000;
  let loops: LoopCulprits[] = [];
  function spawn(): void {
    const board = createCulpritBoard(() => nowMs);
    loops = ledgers.map((ledger) => board.join(killable(ledger, dies)));
  }
  spawn();
  const started = { threads: ledgers, spawn };
  return {
    ...started,
    loops: () => loops,
    pass(ms: number) {
      nowMs += ms;
    },
    countedSeconds: () => ledgers.reduce((sum, ledger) => sum + ledger.get('stallSumMs'), 0) / 1000,
    /** A stall is counted, told, and the round of the poll comes to its end. */
    stall(thread: number, name: string | undefined, durationMs: number, file = `/srv/${name}.ts`) {
      ledgers[thread]?.add('stallSumMs', durationMs);
      const culprit =
        name === undefined ? undefined : { function: name, file, line: 1, column: 1, internal: false };
      try {
        loops[thread]?.charge({ durationMs, ...(culprit && { culprit }) });
        for (const loop of loops) loop.settle();
      } catch (error) {
        if (!(error instanceof Death)) throw error;
        spawn();
      }
    },
    series(): Map<string, number> {
      return new Map(
        loops.flatMap((loop, i) =>
          loop.series().map(({ culprit, seconds }) => [`${i} ${culprit}`, seconds] as const),
        ),
      );
    },
  };
}

type VirtualProcess = ReturnType<typeof createProcess>;

/** Adds up increases as Prometheus does: from the first sample of a series on, a fall is a new beginning. */
function createPrometheus(process: VirtualProcess) {
  const last = new Map<string, number>();
  const increases = new Map<string, number>();
  const falls: string[] = [];
  let before = process.series();
  for (const [name, value] of before) last.set(name, value);
  return {
    /** Series that went back while they were there. */
    falls,
    /** All series that were ever there. */
    names: () => [...last.keys()],
    increase: () => [...increases.values()].reduce((sum, one) => sum + one, 0),
    scrape() {
      const now = process.series();
      for (const [name, value] of now) {
        if (value < (before.get(name) ?? 0)) falls.push(name);
        const from = last.get(name);
        const grown = from === undefined ? 0 : value - (value < from ? 0 : from);
        increases.set(name, (increases.get(name) ?? 0) + grown);
        last.set(name, value);
      }
      before = now;
      return now;
    },
  };
}

const isNamed = (series: string): boolean => series.endsWith(':1');
const labelOf = (thread: number, name: string): string => `${thread} ${name} ${name}.ts:1`;
const WORST = Array.from({ length: CULPRITS_MAX }, (_, i) => `worst${i}`);

/** Days with three hundred places that stall now and then, and twenty that do worse. */
function live(process: VirtualProcess, random: Random, days: number, onMinute: () => void): void {
  for (let minutes = days * 1440; minutes > 0; minutes--) {
    if (random(0, 1) < 0.5) {
      const of = Math.floor(random(0, 300));
      // A seventh, which no number holds: sums of such are not exact, as in life.
      process.stall(of % 2, `place${of}`, (200 + random(0, 200)) / 0.7);
    }
    if (random(0, 1) < 0.3) {
      const of = Math.floor(random(0, CULPRITS_MAX));
      process.stall(of % 2, WORST[of], random(200, 5000));
    }
    if (random(0, 1) < 0.3) process.stall(0, undefined, random(100, 200));
    process.pass(MINUTE);
    onMinute();
  }
}

describe('series of culprits', () => {
  const spread = (process: VirtualProcess): number => [...process.series().keys()].filter(isNamed).length;

  it.each([
    ['by one sidecar', 0],
    ['by sidecars that die at any write', 0.002],
  ])('are monotone, sum up to all there was, and have the worst, %s', (_, deathRate) => {
    const random = randomBetween(SEED);
    let rate = deathRate;
    const process = createProcess(() => rate > 0 && random(0, 1) < rate);
    const prometheus = createPrometheus(process);
    let most = 0;
    live(process, random, 3, () => {
      prometheus.scrape();
      most = Math.max(most, spread(process));
    });
    rate = 0;
    process.pass(SHOWN);
    process.stall(0, undefined, 100);
    const last = prometheus.scrape();
    const seed = `WATCHDOG_TEST_SEED=${SEED}`;
    expect(prometheus.falls, seed).toEqual([]);
    expect(most, seed).toBe(CULPRITS_MAX);
    expect(prometheus.increase(), seed).toBeCloseTo(process.countedSeconds(), 6);
    expect(
      WORST.map((name, i) => labelOf(i % 2, name)).filter((name) => !last.has(name)),
      seed,
    ).toEqual([]);
    // At most twenty doublings of weight a day, and those up to what they have.
    expect(prometheus.names().length, seed).toBeLessThan(CULPRITS_MAX * (1 + 3 + 14));
  });

  it('follow when others become the worst', () => {
    const random = randomBetween(SEED);
    const process = createProcess();
    const prometheus = createPrometheus(process);
    for (let minutes = 0; minutes < 4 * 1440; minutes++) {
      const of = Math.floor(random(0, CULPRITS_MAX));
      process.stall(0, `${minutes < 2 * 1440 ? 'old' : 'new'}${of}`, 1000);
      process.pass(MINUTE);
      prometheus.scrape();
    }
    process.pass(SHOWN);
    const last = prometheus.scrape();
    const fresh = WORST.map((_, i) => labelOf(0, `new${i}`));
    expect(fresh.filter((name) => !last.has(name))).toEqual([]);
    expect(prometheus.increase()).toBeCloseTo(process.countedSeconds(), 6);
  });

  it('are as much in all as the finished stalls, while the list stays', () => {
    const process = createProcess();
    process.stall(0, 'a', 300.3);
    process.stall(1, 'a', 200.7);
    process.stall(0, undefined, 150.1);
    // Those that the ring forgot are counted, and not told.
    process.threads[1]?.add('stallSumMs', 1234.5);
    process.stall(1, 'a', 400);
    const [other, unknown] = ['0 other', '0 unknown'].map((name) => process.series().get(name));
    expect(other).toBe(0);
    expect(unknown).toBeCloseTo(0.1501, 9);
    process.pass(SHOWN);
    const all = process.series();
    expect(all.get(labelOf(0, 'a'))).toBeCloseTo(0.3003, 9);
    expect(all.get(labelOf(1, 'a'))).toBeCloseTo(0.6007, 9);
    expect([...all.values()].reduce((sum, one) => sum + one)).toBeCloseTo(process.countedSeconds(), 9);
  });

  /** Twenty of a second each, long enough ago. */
  function crowded(): VirtualProcess {
    const process = createProcess();
    for (let i = 0; i < CULPRITS_MAX; i++) process.stall(i % 2, `first${i}`, 1000 + i);
    process.pass(2 * SHOWN);
    return process;
  }

  it('tell by name of one that stalls once, but for long, and from 0', () => {
    const process = crowded();
    process.stall(1, 'slow', 2500);
    const slow = labelOf(1, 'slow');
    expect(process.series().get(slow)).toBe(0);
    expect(process.series().has(labelOf(0, 'first0'))).toBe(false);
    expect(process.series().get('1 other')).toBe(0);
    process.pass(SHOWN - 1);
    expect(process.series().get(slow)).toBe(0);
    process.pass(1);
    expect(process.series().get(slow)).toBe(2.5);
  });

  it('do not take turns: who is a little worse than the least stays with the others', () => {
    const process = crowded();
    process.stall(0, 'like the others', 1900);
    expect(process.series().has(labelOf(0, 'first0'))).toBe(true);
    expect(process.series().get('0 other')).toBe(1.9);
    // Together that is clearly worse. What was the others' stays theirs.
    process.stall(0, 'like the others', 200);
    process.pass(SHOWN);
    expect(process.series().get('0 other')).toBe(1.9);
    expect(process.series().get(labelOf(0, 'like the others'))).toBeCloseTo(0.2, 9);
  });

  it('leave only when the last that they say was there to be scraped', () => {
    const process = createProcess();
    for (let i = 0; i < CULPRITS_MAX; i++) process.stall(0, `first${i}`, 1000);
    process.pass(2 * SHOWN - 1);
    process.stall(0, 'slow', 5000);
    expect(process.series().has(labelOf(0, 'slow'))).toBe(false);
    process.pass(1);
    process.stall(0, 'slow', 5000);
    expect(process.series().has(labelOf(0, 'slow'))).toBe(true);
  });

  it('go with their thread, and make room', () => {
    const process = crowded();
    process.loops()[1]?.leave();
    process.stall(0, 'small', 200);
    expect(process.series().has(labelOf(0, 'small'))).toBe(true);
    // The same thread may come again, with the same memory.
    process.spawn();
    expect([...process.series().keys()].filter((name) => isNamed(name) && name.startsWith('1'))).toEqual([]);
    process.stall(1, undefined, 300);
    expect(process.series().get('1 unknown')).toBeCloseTo(0.3, 9);
  });

  it('tell files of one name apart, also after a sidecar died', () => {
    const process = createProcess();
    process.stall(0, 'f', 300, '/srv/a/x.ts');
    process.stall(0, 'f', 400, '/srv/b/x.ts');
    process.spawn();
    process.stall(0, 'f', 300, '/srv/a/x.ts');
    process.stall(0, 'f', 400, '/srv/b/x.ts');
    process.pass(SHOWN);
    expect(process.series().get('0 f x.ts:1')).toBeCloseTo(0.6, 9);
    expect(process.series().get('0 f b/x.ts:1')).toBeCloseTo(0.8, 9);
  });

  it('keep their labels in shared memory as they are', () => {
    const process = createProcess();
    const name = `\u00e4\u{1f600}"\\${'x'.repeat(60)}`;
    process.stall(0, name, 300, `/srv/${'y'.repeat(60)}.ts`);
    const before = [...process.series().keys()];
    process.spawn();
    expect([...process.series().keys()]).toEqual(before);
  });
});
