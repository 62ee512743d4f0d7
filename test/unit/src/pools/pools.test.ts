import { createHistogram } from 'node:perf_hooks';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readSampler } from '../../../../src/pools/sampler.js';
import { POOL_LEDGER, type PoolValues, TASK_BOUNDS_MS } from '../../../../src/shared/layout.js';
import { allocate } from '../../../../src/shared/regions.js';
import type { PoolSample } from '../../../../src/types.js';
import { openLedger } from '../../../../worker/counters.js';
import { followTimes } from '../../../../worker/pools/task-times.js';
import {
  oldestOf,
  sampleThreads,
  type ThreadsNow,
  type ThreadView,
  tasksOf,
  viewThreads,
} from '../../../../worker/pools/threads.js';
import { openCensus } from '../../../../worker/system/census.js';

interface Thread {
  readonly requests: number;
  readonly responses: number;
  readonly settled: number;
  readonly tasks: number;
  readonly oldestAtMs?: number;
  readonly filled?: boolean;
  readonly untoldAtMs?: number;
}

/** So many threads, of the ids 1, 2, ... */
function viewsOf(threads: readonly Pick<Thread, 'requests' | 'responses'>[]): ThreadView[] {
  const seen = threads.map(({ requests, responses }, i) => {
    const counters = new Int32Array(new SharedArrayBuffer(8));
    counters.set([requests, responses]);
    return { counters, threadId: i + 1 };
  });
  return viewThreads(seen, []);
}

/** A reading of these threads at 10,000 ms. */
function lookAt(threads: readonly Thread[], pool: { tasksPerThread: number; frozen: boolean }): ThreadsNow {
  const snapshot = {
    capacity: threads.length * pool.tasksPerThread,
    tasksPerThread: pool.tasksPerThread,
    abortable: 0,
    settled: Float64Array.from(threads, (one) => one.settled),
    tasks: Float64Array.from(threads, (one) => one.tasks),
    oldestAtMs: Float64Array.from(threads, (one) => one.oldestAtMs ?? Number.NaN),
    filled: Float64Array.from(threads, (one) => (one.filled ? 1 : 0)),
    booting: Float64Array.from(threads, () => 0),
    untoldAtMs: Float64Array.from(threads, (one) => one.untoldAtMs ?? Number.NaN),
    untoldName: Float64Array.from(threads, () => 0),
  } as unknown as PoolValues;
  return sampleThreads(viewsOf(threads), snapshot, 10_000, pool.frozen);
}

const MAX = 2 ** 31 - 1;
const MIN = -(2 ** 31);

describe("a thread's counters", () => {
  it.each<[string, Thread, Pick<ThreadsNow, 'running' | 'unsettled'>]>([
    [
      'wrapped, the answers not',
      { requests: MIN + 1, responses: MAX, settled: MAX, tasks: 2 },
      { running: 2, unsettled: 0 },
    ],
    [
      'both wrapped since main read',
      { requests: MIN + 1, responses: MIN, settled: MAX, tasks: 1 },
      { running: 1, unsettled: 1 },
    ],
    [
      'an answer before its request',
      { requests: 4, responses: 5, settled: 4, tasks: 0 },
      { running: 0, unsettled: 1 },
    ],
    [
      'an answer that main has before it is counted',
      { requests: 5, responses: 4, settled: 5, tasks: 0 },
      { running: 1, unsettled: 0 },
    ],
  ])('%s', (_, thread, expected) => {
    expect(lookAt([thread], { tasksPerThread: 4, frozen: true })).toMatchObject(expected);
  });
});

describe('the oldest task', () => {
  const hung = { requests: 9, responses: 6, settled: 6, tasks: 3, oldestAtMs: 4000 };
  const age = (threads: readonly Thread[], frozen: boolean, tasksPerThread = 3): number | undefined =>
    oldestOf(lookAt(threads, { tasksPerThread, frozen }).threads, 10_000);

  it('is known as long as its thread answers nothing', () => {
    expect(age([hung], true)).toBe(6000);
  });
  it('is as main saw it a moment ago while main turns', () => {
    expect(age([{ ...hung, responses: 7 }], false)).toBe(6000);
  });
  it('is unknown when its thread has answered one of several', () => {
    expect(age([{ ...hung, responses: 7 }], true)).toBeUndefined();
    expect(age([{ ...hung, responses: 9 }], true)).toBe(0);
  });
  it('is known if that of another thread is older anyway', () => {
    expect(
      age(
        [
          { ...hung, responses: 7 },
          { ...hung, oldestAtMs: 3000 },
        ],
        true,
      ),
    ).toBe(7000);
    expect(
      age(
        [
          { ...hung, responses: 7 },
          { ...hung, oldestAtMs: 5000 },
        ],
        true,
      ),
    ).toBeUndefined();
  });
  it('of a thread that takes one at a time is the next when that has ended', () => {
    expect(age([{ requests: 2, responses: 1, settled: 0, tasks: 1, oldestAtMs: 1000 }], true, 1)).toBe(0);
  });
});

describe('what each thread is at', () => {
  const hung = { requests: 9, responses: 6, settled: 6, tasks: 3, oldestAtMs: 4000 };
  const idle = { requests: 4, responses: 4, settled: 4, tasks: 0 };
  const tasks = (threads: readonly Thread[], tasksPerThread = 3) =>
    tasksOf(viewsOf(threads), lookAt(threads, { tasksPerThread, frozen: true }).threads);

  it('is told by its id: how many tasks, and since when the oldest runs', () => {
    expect(tasks([idle, hung])).toEqual([
      { threadId: 1, running: 0, sinceMs: undefined },
      { threadId: 2, running: 3, sinceMs: 4000 },
    ]);
  });
  it('is unknown as far as nobody knows it', () => {
    expect(tasks([{ ...hung, responses: 7 }])).toEqual([{ threadId: 1, running: 2, sinceMs: undefined }]);
    expect(tasksOf(viewsOf([hung]), undefined)).toEqual([
      { threadId: 1, running: undefined, sinceMs: undefined },
    ]);
  });
});

describe('the oldest task that is not told', () => {
  const hung = { requests: 9, responses: 6, settled: 6, tasks: 3, oldestAtMs: 4000, untoldAtMs: 5000 };
  const untold = (thread: Thread, frozen: boolean, tasksPerThread = 3) =>
    lookAt([thread], { tasksPerThread, frozen }).threads[0]?.untold;

  it('is as main has noted it while it surely runs', () => {
    expect(untold(hung, true)).toEqual({ startMs: 5000, name: 0 });
    expect(untold({ ...hung, responses: 7 }, false)).toEqual({ startMs: 5000, name: 0 });
    expect(untold({ ...hung, responses: 7 }, true)).toBeUndefined();
    expect(untold({ ...hung, untoldAtMs: Number.NaN }, true)).toBeUndefined();
  });
  it('is the next when a thread that takes one at a time has ended that', () => {
    const next = { requests: 2, responses: 1, settled: 0, tasks: 1, oldestAtMs: 1000, untoldAtMs: 1000 };
    expect(untold(next, true, 1)).toEqual({ startMs: 10_000, name: -1 });
    expect(untold({ ...next, responses: 2 }, true, 1)).toBeUndefined();
  });
});

describe('a task that can be aborted', () => {
  const filled = { requests: 1, responses: 0, settled: 0, tasks: 1, oldestAtMs: 1, filled: true };
  const capacity = (threads: readonly Thread[], frozen = true): number | undefined =>
    // As main wrote it: less what the filled threads lack.
    lookAt(threads, { tasksPerThread: 4, frozen }).capacity;
  it('costs what its thread could run besides, until it has ended', () => {
    expect(capacity([filled])).toBe(4);
    expect(capacity([{ ...filled, responses: 1 }])).toBe(4 + 3);
  });
  it('may be what main has handed out in the turn that is frozen', () => {
    expect(capacity([{ requests: 1, responses: 0, settled: 0, tasks: 0 }])).toBeUndefined();
    expect(capacity([{ requests: 2, responses: 0, settled: 0, tasks: 0 }])).toBe(4);
  });
});

describe('census', () => {
  it('misses threads that end while main is frozen, whose ever they were, but for our own', () => {
    let threads = ['1', '2', '3', '4'];
    const census = openCensus(() => threads);
    expect(census.sample(false, 0)).toBe(false);
    threads = ['1', '2', '3'];
    expect(census.sample(true, 0)).toBe(true);
    census.excuse();
    expect(census.sample(true, 0)).toBe(false);
    threads = ['1', '2', '5'];
    expect(census.sample(true, 0)).toBe(true);
    // Main has heard of it.
    expect(census.sample(false, 1)).toBe(false);
    threads = ['1', '2'];
    expect(census.sample(true, 1)).toBe(true);
  });
  it('does not miss those that main has ended itself, before they are gone or after', () => {
    let threads = ['1', '2', '3'];
    const census = openCensus(() => threads);
    expect(census.sample(false, 5)).toBe(false);
    expect(census.sample(false, 6)).toBe(false);
    threads = ['1', '2'];
    expect(census.sample(true, 6)).toBe(false);
    threads = ['1'];
    expect(census.sample(true, 6)).toBe(true);
  });
  it('bears threads of no pool that end while main turns', () => {
    let threads = ['1', '2', '3', '4'];
    const census = openCensus(() => threads);
    census.sample(false, 0);
    threads = ['1', '2', '3'];
    expect([census.sample(false, 0), census.sample(true, 0)]).toEqual([false, false]);
    threads = ['1', '2'];
    expect(census.sample(true, 0)).toBe(true);
  });
  it('sees nobody end where threads cannot be listed', () => {
    const census = openCensus(() => []);
    expect([census.sample(false, 0), census.sample(true, 0)]).toEqual([false, false]);
  });
});

describe('a sampler', () => {
  const read = (...samples: PoolSample[]) => {
    const left = [...samples];
    const reader = readSampler(() => left.shift() as PoolSample);
    return samples.map(() => reader.read());
  };
  const idle = { capacity: 1, active: 0, queued: 0 };
  it('whose counter begins anew is counted on', () => {
    const counts = [0, 1000, 0, 400, 990, 100].map((completed) => ({ ...idle, completed }));
    expect(read(...counts).map(({ completed }) => completed)).toEqual([0, 1000, 1000, 1400, 1990, 2090]);
  });
  it('may have no limit, in nothing else', () => {
    expect(read({ ...idle, capacity: Number.POSITIVE_INFINITY })[0]?.capacity).toBe(Number.POSITIVE_INFINITY);
    expect(() => read({ ...idle, capacity: Number.NaN })).toThrow(
      'must give a number of 0 or more as capacity',
    );
    expect(() => read({ ...idle, active: Number.POSITIVE_INFINITY })).toThrow(
      'a finite number of 0 or more as active',
    );
  });
});

describe('times of tasks', () => {
  const follow = (histogram = createHistogram(), memory = allocate(POOL_LEDGER)) => {
    let nowMs = 0;
    const times = followTimes(histogram, openLedger(POOL_LEDGER, memory), 'run', () => nowMs);
    const read = () => {
      nowMs += 1000;
      return times();
    };
    return { histogram, memory, read };
  };

  it('are those that were recorded, whatever they are and whenever they are read', () => {
    const values = fc.array(fc.integer({ min: 1, max: 100_000_000 }), { maxLength: 60 });
    fc.assert(
      fc.property(fc.array(values, { minLength: 1, maxLength: 5 }), fc.boolean(), (batches, resets) => {
        const { histogram, memory, read } = follow();
        const all: number[] = [];
        let told = read();
        for (const batch of batches) {
          for (const value of batch) histogram.record(value);
          all.push(...batch);
          told = read();
          if (resets) histogram.reset();
          if (resets) told = read();
        }
        // The next sidecar goes on from there.
        for (const one of [told, follow(histogram, memory).read()]) {
          expect(one.count).toBe(all.length);
          expect(one.sumMs * 1000).toBeCloseTo(
            all.reduce((sum, value) => sum + value, 0),
            -6,
          );
          one.buckets.forEach((bucket, i) => {
            const bound = (TASK_BOUNDS_MS[i] as number) * 1000;
            expect(bucket).toBeGreaterThanOrEqual(all.filter((value) => value <= bound * 0.999).length);
            expect(bucket).toBeLessThanOrEqual(all.filter((value) => value <= bound * 1.001).length);
          });
        }
      }),
    );
  });
});
