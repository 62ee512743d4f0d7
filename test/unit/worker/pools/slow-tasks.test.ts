import { expect, it } from 'vitest';
import type { CaptureResult } from '../../../../src/shared/labels.js';
import { type LoopStats, POOL, POOL_LEDGER } from '../../../../src/shared/layout.js';
import type { PoolEntry } from '../../../../src/shared/protocol.js';
import { allocate, locked, openWriter } from '../../../../src/shared/regions.js';
import type { SlowTask } from '../../../../src/shared/slow-task.js';
import type { Inspector } from '../../../../worker/captures/client.js';
import type { StackCapture } from '../../../../worker/inspector/messages.js';
import { openPool } from '../../../../worker/pools/pool.js';
import { watchSlowTasks } from '../../../../worker/pools/slow-tasks.js';

const AFTER_MS = 1000;
const FRAME = { function: 'resize', file: '/srv/app/resize.js', line: 1, column: 1, internal: false };
const SEEN: StackCapture = { result: 'captured', frames: [FRAME], costMs: 1 };

/** A pool of so many threads, by what main would write of it, and the sidecar's view, in virtual time. */
function poolOf(
  threads: number,
  more: { suspendedMs?: number; answer?: StackCapture; unavailable?: string } = {},
) {
  const memory = allocate(POOL);
  const entry: PoolEntry = {
    id: 1,
    name: 'images',
    memory,
    ledger: allocate(POOL_LEDGER),
    threads: Array.from({ length: threads }, (_, i) => ({
      counters: new Int32Array(new SharedArrayBuffer(8)),
      threadId: i + 2,
    })),
    threadsVersion: 1,
    times: undefined,
    slow: { afterMs: AFTER_MS, byDefault: undefined, names: [{ file: FRAME.file, name: 'resize' }] },
  };
  const { at, values, sequence } = openWriter('main', POOL, memory);
  const countersOf = (thread: number): Int32Array => entry.threads?.[thread]?.counters as Int32Array;
  const told: SlowTask[] = [];
  const reasons: string[] = [];
  let nowMs = 10_000;
  const inspector = {
    unavailable: more.unavailable,
    stack: async () => {
      duringLook();
      return more.answer ?? SEEN;
    },
  } as unknown as Inspector;
  let duringLook = (): void => {};

  /** As main would, with one task at this thread since then; NaN: with none. */
  function note(thread: number, startMs: number): void {
    const noted = !Number.isNaN(startMs);
    locked(sequence, () => {
      values[at.threadsVersion] = 1;
      values[at.tasksPerThread] = 1;
      values[at.settled + thread] = Atomics.load(countersOf(thread), 1);
      values[at.tasks + thread] = noted ? 1 : 0;
      values[at.untoldAtMs + thread] = startMs;
      values[at.untoldName + thread] = noted ? 0 : -1;
    });
  }

  function open() {
    const pool = openPool(entry, () => nowMs);
    const watch = watchSlowTasks({
      pools: () => [pool],
      now: () => nowMs,
      inspector,
      suspendedMs: () => more.suspendedMs ?? 0,
      onCapture() {},
      onUnavailable: (reason) => reasons.push(reason),
      onError() {
        throw new Error('it failed');
      },
      tell: (task) => told.push(task),
    });
    return { pool, watch };
  }
  let sidecar = open();
  return {
    told,
    reasons,
    results: (): CaptureResult[] => told.map(({ result }) => result),
    count: () => sidecar.pool.slow?.count,
    /** Main hands a task to this thread, and notes it unless it freezes at once. */
    run(thread: number, noted = true): void {
      note(thread, noted ? nowMs : Number.NaN);
      Atomics.add(countersOf(thread), 0, 1);
    },
    note,
    end: (thread: number) => void Atomics.add(countersOf(thread), 1, 1),
    whileLooking(act: () => void): void {
      duringLook = act;
    },
    /** Another sidecar takes over. */
    respawn(): void {
      sidecar = open();
    },
    async pass(ms: number): Promise<number> {
      nowMs += ms;
      const frozen = { dueMs: nowMs - 500, lastMarkMs: nowMs - 500 } as LoopStats;
      sidecar.pool.sample(nowMs, frozen, false);
      const waitMs = sidecar.watch.observe(nowMs);
      await new Promise((resolve) => setImmediate(resolve));
      return waitMs;
    },
  };
}

it('a task is looked at when it is slow, not before, and told once, by whomever', async () => {
  const pool = poolOf(2);
  pool.run(1);
  expect(await pool.pass(999)).toBe(5);
  expect(pool.told).toEqual([]);
  await pool.pass(1);
  expect(pool.told).toEqual([
    {
      pool: 'images',
      threadId: 3,
      startedAt: expect.any(String),
      ranMs: 1000,
      file: FRAME.file,
      function: 'resize',
      result: 'captured',
      frames: [FRAME],
      culprit: FRAME,
    },
  ]);
  await pool.pass(2000);
  pool.respawn();
  expect(await pool.pass(2000)).toBe(AFTER_MS);
  expect(pool.told).toHaveLength(1);
  expect(pool.count()).toBe(1);
  pool.end(1);
  pool.run(1);
  await pool.pass(1000);
  expect(pool.told).toHaveLength(2);
});

it('one that main has not noted counts from when it was seen, and once also when main notes it', async () => {
  const pool = poolOf(1);
  pool.run(0, false);
  await pool.pass(50);
  await pool.pass(1000);
  // Its name is what all others have, or nothing.
  expect(pool.told).toMatchObject([{ ranMs: 1000, result: 'captured' }]);
  expect(pool.told[0]).not.toHaveProperty('file');
  // A moment before the sidecar has seen it.
  pool.note(0, 10_010);
  await pool.pass(1000);
  expect(pool.told).toHaveLength(1);
});

it('what the thread does when the task has ended is not shown as its', async () => {
  const pool = poolOf(1);
  pool.run(0);
  pool.whileLooking(() => pool.end(0));
  await pool.pass(1000);
  expect(pool.told).toMatchObject([{ result: 'late', frames: [] }]);
  expect(pool.told[0]).not.toHaveProperty('culprit');
});

it('a thread without a stack whose task runs awaits something', async () => {
  const pool = poolOf(1, { answer: { result: 'late', frames: [], costMs: 1 } });
  pool.run(0);
  await pool.pass(1000);
  expect(pool.told).toMatchObject([{ result: 'captured', frames: [] }]);
});

it('time for which the process stood still is not counted', async () => {
  const pool = poolOf(1, { suspendedMs: 5000 });
  pool.run(0);
  await pool.pass(5999);
  expect(pool.told).toEqual([]);
  await pool.pass(1);
  expect(pool.told).toMatchObject([{ ranMs: 1000 }]);
});

it('of many at once all are told, not all looked at; and none when looks have cost too much', async () => {
  const pool = poolOf(20);
  for (let i = 0; i < 20; i++) pool.run(i);
  await pool.pass(1000);
  expect(pool.results().sort()).toEqual([...Array(16).fill('captured'), ...Array(4).fill('over_budget')]);
  expect(pool.count()).toBe(20);

  const costly = poolOf(1, { answer: { ...SEEN, costMs: 2000 } });
  for (let i = 0; i < 3; i++) {
    costly.run(0);
    await costly.pass(1000);
    costly.end(0);
  }
  expect(costly.results()).toEqual(['captured', 'over_budget', 'over_budget']);
});

it('where nobody can look it is told nevertheless, and why', async () => {
  const pool = poolOf(1, { unavailable: 'a debugger is attached' });
  pool.run(0);
  await pool.pass(1000);
  expect(pool.told).toMatchObject([{ file: FRAME.file, result: 'unavailable', frames: [] }]);
  expect(pool.reasons).toEqual(['a debugger is attached']);
});
