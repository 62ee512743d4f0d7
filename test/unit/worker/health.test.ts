import { describe, expect, it } from 'vitest';
import type { Cause, Stall } from '../../../src/types.js';
import { checkLiveness, createReadiness, type HealthState } from '../../../worker/health.js';
import { createVirtualLoop, type VirtualLoop } from '../../support/virtual-loop.js';

const TIMEOUT_MS = 60_000;

function stateOf(loop: VirtualLoop, more: Partial<HealthState> = {}): HealthState {
  return {
    nowMs: loop.now(),
    stats: loop.read(),
    stall: undefined,
    queued: undefined,
    debuggerAwayMs: () => Number.POSITIVE_INFINITY,
    closing: false,
    ...more,
  };
}
const stallOf = (cause: Cause, durationMs: number, suspendedMs = 0, cpuMs = 0): Stall =>
  ({ cause, durationMs, suspendedMs, cpuMs }) as Stall;

function loopThatTurns(): VirtualLoop {
  const loop = createVirtualLoop();
  loop.busy(5);
  return loop;
}

describe('liveness', () => {
  it.each<[boolean, string, Partial<HealthState>]>([
    [true, 'turning', {}],
    [true, 'has not turned for 59.9 s (cpu)', { stall: stallOf('cpu', 59_900) }],
    [false, 'has not turned for 60.0 s (cpu); the limit is 60.0 s', { stall: stallOf('cpu', 60_000) }],
    [false, '(blocked)', { stall: stallOf('blocked', 70_000) }],
    [false, '(gc)', { stall: stallOf('gc', 70_000) }],
    [false, '(unknown)', { stall: stallOf('unknown', 70_000) }],
    [true, 'no fault of its code', { stall: stallOf('starved', 70_000) }],
    [true, 'no fault of its code', { stall: stallOf('starved', 599_000, 0, 59_000) }],
    [false, '(starved)', { stall: stallOf('starved', 300_000, 0, 60_000) }],
    [false, '(starved)', { stall: stallOf('starved', 600_000) }],
    [true, 'no fault of its code', { stall: stallOf('suspended', 700_000, 600_000) }],
    [true, 'has not turned for 20.0 s', { stall: stallOf('cpu', 70_000, 50_000) }],
    [
      true,
      'a debugger was attached 59.0 s ago',
      { stall: stallOf('cpu', 700_000), debuggerAwayMs: () => 59_000 },
    ],
    [false, '(cpu)', { stall: stallOf('cpu', 700_000), debuggerAwayMs: () => 60_000 }],
    [true, 'a debugger is attached', { stall: stallOf('cpu', 70_000), debuggerAwayMs: () => 0 }],
  ])('%s: %s', (ok, detail, more) => {
    const [check] = checkLiveness(stateOf(loopThatTurns(), more), TIMEOUT_MS);
    expect(check).toEqual({ name: 'eventloop', ok, detail: expect.stringContaining(detail) });
  });

  it('is not lost in a start that takes its time', () => {
    const loop = createVirtualLoop();
    loop.pass(600_000);
    expect(checkLiveness(stateOf(loop), TIMEOUT_MS)).toMatchObject([{ ok: true, detail: 'starting' }]);
  });
});

describe('readiness', () => {
  const failed = (readiness: ReturnType<typeof createReadiness>, state: HealthState) =>
    readiness
      .check(state)
      .filter(({ ok }) => !ok)
      .map(({ name }) => name);

  it('comes with the first turn and goes when the watchdog closes', () => {
    const readiness = createReadiness(undefined);
    expect(failed(readiness, stateOf(createVirtualLoop()))).toEqual(['started']);
    expect(failed(readiness, stateOf(loopThatTurns()))).toEqual([]);
    expect(failed(readiness, stateOf(loopThatTurns(), { closing: true }))).toEqual(['open']);
  });

  it('goes with lag over the limit and comes back when that is over for a while', () => {
    const readiness = createReadiness({ maxLag: 500, maxQueued: Number.POSITIVE_INFINITY, recovery: 5000 });
    const loop = loopThatTurns();
    loop.busy(490);
    expect(failed(readiness, stateOf(loop))).toEqual([]);
    loop.pass(700); // In progress.
    expect(failed(readiness, stateOf(loop))).toEqual(['lag']);
    loop.busy(1);
    for (let i = 0; i < 4; i++) {
      loop.idle(1000);
      expect(failed(readiness, stateOf(loop))).toEqual(['lag']);
    }
    loop.idle(2500);
    expect(failed(readiness, stateOf(loop))).toEqual([]);
  });

  it('goes with a queue over the limit, also between two probes', () => {
    const readiness = createReadiness({ maxLag: Number.POSITIVE_INFINITY, maxQueued: 10, recovery: 2000 });
    const loop = loopThatTurns();
    readiness.note(stateOf(loop, { queued: { pool: 'images', size: 10 } }));
    expect(failed(readiness, stateOf(loop))).toEqual([]);
    readiness.note(stateOf(loop, { queued: { pool: 'images', size: 11 } }));
    loop.idle(1900);
    expect(readiness.check(stateOf(loop)).at(-1)).toEqual({
      name: 'queues',
      ok: false,
      detail: '11 tasks wait in "images"',
    });
    loop.idle(200);
    expect(failed(readiness, stateOf(loop))).toEqual([]);
  });
});
