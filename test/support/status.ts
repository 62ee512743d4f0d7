import type { Stall } from '../../src/shared/stall.js';
import type { LoopStatus, Status } from '../../src/shared/status.js';

/** A stall, as far as it is not said otherwise. */
export function stallOf(more: Partial<Stall> = {}): Stall {
  return {
    id: '4711-mif7kq3at0r4xk2m9qp-12',
    thread: 'main',
    cause: 'cpu',
    startedAt: '2026-02-03T04:05:06.789Z',
    durationMs: 12_300,
    gcMs: 0,
    suspendedMs: 0,
    fingerprint: 'f',
    stacks: [],
    ...more,
  };
}

export const CULPRIT = {
  function: 'renderInvoice',
  file: '/srv/shop/src/invoice.ts',
  line: 41,
  column: 12,
  internal: false,
} as const;

export function loopOf(more: Partial<LoopStatus> = {}): LoopStatus {
  return {
    thread: 'main',
    state: 'turning',
    lagMs: 0.4,
    lagMaxMs: 35,
    turns: 1000,
    utilization: 0.12,
    stalls: 3,
    stallSeconds: 1.5,
    ...more,
  };
}

/** A loop in the midst of a stall. */
export const blockedLoop = (more: Partial<Stall> = {}): LoopStatus =>
  loopOf({
    state: 'blocked',
    lagMs: 12_345,
    lagMaxMs: 12_345,
    utilization: 1,
    stall: stallOf({ culprit: CULPRIT, ...more }),
  });

export function statusOf(loops: readonly LoopStatus[] = [loopOf()], more: Partial<Status> = {}): Status {
  return {
    at: '2026-02-03T04:05:19.000Z',
    sentence: 'The main thread turns.',
    process: {
      app: 'shop',
      pid: 4711,
      nodeVersion: 'v20.20.2',
      watchdogVersion: '0.1.0',
      startedAt: '2026-02-03T00:00:00.000Z',
      residentBytes: 182 * 2 ** 20,
      sidecarRestarts: 0,
    },
    loops,
    pools: [],
    threadpool: { size: 4 },
    settings: { heartbeatInterval: 100, stallThreshold: 100 },
    ...more,
  };
}
