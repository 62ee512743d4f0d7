import { describe, expect, it } from 'vitest';
import { GC, HEAP, LEDGER, RESOURCES } from '../../../../src/shared/layout.js';
import { allocate, openReader } from '../../../../src/shared/regions.js';
import type { Stall } from '../../../../src/shared/stall.js';
import { openLedger } from '../../../../worker/counters.js';
import type { PoolState } from '../../../../worker/pools/pool.js';
import { type ReportedLoop, type StatusSources, statusOf } from '../../../../worker/status/status.js';
import { SIDECAR_OPTIONS } from '../../../support/sidecar-options.js';
import { createVirtualLoop, type VirtualLoop } from '../../../support/virtual-loop.js';

const STALL = { id: '1-a-1', cause: 'cpu', durationMs: 500 } as Stall;

function reported(loop: VirtualLoop, name: string, stall?: Stall): ReportedLoop {
  const parts = {
    gc: openReader(GC, allocate(GC))(),
    heap: openReader(HEAP, allocate(HEAP))(),
    resources: openReader(RESOURCES, allocate(RESOURCES))(),
  };
  return {
    name,
    stats: loop.read,
    stall: () => stall,
    view: () => ({
      ...parts,
      labels: { thread: name },
      stats: loop.read(),
      ledger: loop.ledger,
      resourceTypes: [],
      times: undefined,
      culprits: [],
    }),
  };
}

function sourcesOf(loop: VirtualLoop, more: Partial<StatusSources> = {}): StatusSources {
  return {
    nowMs: loop.now(),
    loops: [reported(loop, 'main')],
    pools: [],
    threadpool: { size: 4, busy: undefined, probePendingMs: 0 },
    ledger: openLedger(LEDGER, allocate(LEDGER)),
    options: SIDECAR_OPTIONS,
    app: 'shop',
    restarts: 2,
    latestStall: undefined,
    records: { minute: () => undefined, utilization: () => undefined },
    ...more,
  };
}

describe('the state of a loop', () => {
  const turning = (): VirtualLoop => {
    const loop = createVirtualLoop();
    loop.idle(1000);
    return loop;
  };
  const stateOf = (loop: VirtualLoop, stall?: Stall): unknown => {
    const { loops } = statusOf(sourcesOf(loop, { loops: [reported(loop, 'main', stall)] }));
    return loops[0];
  };

  it('is starting before its first turn, and late by nothing', () => {
    const loop = createVirtualLoop();
    loop.pass(70_000);
    expect(stateOf(loop)).toMatchObject({ state: 'starting', lagMs: 0 });
    expect(statusOf(sourcesOf(loop)).sentence).toBe(
      'The event loop has not turned since its start 1 min 10 s ago.',
    );
  });

  it('is turning, late, or blocked', () => {
    const loop = turning();
    expect(stateOf(loop)).toMatchObject({ state: 'turning', lagMs: 0, lagMaxMs: 0, stalls: 0 });
    const { dueMs } = loop.read();
    // As any loop is that has work to do.
    loop.pass(dueMs - loop.now() + 40);
    expect(stateOf(loop)).toMatchObject({ state: 'turning', lagMs: 40, lagMaxMs: 40 });
    loop.pass(10);
    expect(stateOf(loop)).toMatchObject({ state: 'late', lagMs: 50, lagMaxMs: 50 });
    loop.pass(450);
    expect(stateOf(loop, STALL)).toMatchObject({ state: 'blocked', lagMs: 500, stall: STALL });
  });

  it('is paused in pause(), whatever was before', () => {
    const loop = turning();
    loop.pass(500);
    loop.enterPause();
    loop.pass(3000);
    expect(stateOf(loop, STALL)).toMatchObject({ state: 'paused', stall: STALL });
    expect(statusOf(sourcesOf(loop)).sentence).toMatch(/^The event loop is in pause\(\) for 3\.0 s:/);
  });
});

it('leaves out what is not known', () => {
  const loop = createVirtualLoop();
  loop.idle(1000);
  const unknown = {
    queueSize: Number.NaN,
    completed: Number.NaN,
    threads: Number.NaN,
    active: 3,
  } as PoolState;
  const status = statusOf(
    sourcesOf(loop, {
      pools: [
        { name: 'pg', state: unknown },
        { name: 'broken', state: undefined },
      ],
    }),
  );
  expect(status.pools).toEqual([{ name: 'pg', active: 3 }, { name: 'broken' }]);
  expect(status.threadpool).toEqual({ size: 4 });
  expect(status.loops).toEqual([
    {
      thread: 'main',
      state: 'turning',
      lagMs: 0,
      lagMaxMs: 0,
      turns: expect.any(Number),
      stalls: 0,
      stallSeconds: 0,
    },
  ]);
  expect(status).not.toHaveProperty('latestStall');
});

it('tells the process, libuv’s pool, and the latest stall', () => {
  const loop = createVirtualLoop();
  loop.idle(3000);
  const ledger = openLedger(LEDGER, allocate(LEDGER));
  ledger.set('probeCount', 1);
  ledger.set('probeLastMs', 0.25);
  ledger.set('probeSentMs', loop.now() - 2500);
  const threadpool = { size: 8, busy: 8, probePendingMs: 2500 };
  const status = statusOf(sourcesOf(loop, { ledger, threadpool, latestStall: STALL }));
  expect(status).toMatchObject({
    process: {
      app: 'shop',
      pid: process.pid,
      nodeVersion: process.version,
      startedAt: '2023-11-14T22:13:20.000Z',
      residentBytes: expect.any(Number),
      sidecarRestarts: 2,
    },
    threadpool: { size: 8, queueDelayMs: 2500, pendingMs: 2500 },
    latestStall: '1-a-1',
    settings: { heartbeatInterval: 100, stallThreshold: 100 },
  });
  expect(status.sentence).toContain("A task waits for a thread of libuv's pool for 2.5 s.");
});
