import { describe, expect, it, vi } from 'vitest';
import type { Stall } from '../../../../src/shared/stall.js';
import { createHangGuard, type HangGuardOptions } from '../../../../worker/reports/hang.js';

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
  const guardOf = (over: Partial<HangGuardOptions>) =>
    createHangGuard({
      hang: { after: 5000, action: 'kill', signal: 'SIGABRT' },
      debuggerAwayMs: () => Number.POSITIVE_INFINITY,
      report: async () => {},
      onFault: () => {},
      kill: () => {},
      endByForce: () => {},
      ...over,
    });
  const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
  async function acts(over: Partial<Stall>, debuggerAwayMs = Number.POSITIVE_INFINITY): Promise<string[]> {
    const done: string[] = [];
    const guard = guardOf({
      debuggerAwayMs: () => debuggerAwayMs,
      report: async () => void done.push('report'),
      kill: (signal) => done.push(signal),
    });
    guard(undefined);
    guard(stall(over));
    guard(stall(over));
    await settled();
    return done;
  }

  it('acts once a stall, when its time has come', async () => {
    expect(await acts({})).toEqual(['report', 'SIGABRT']);
    expect(await acts({ durationMs: 4999 })).toEqual([]);
  });

  it('acts on a loop that gets too little CPU by what it had, or at last by the clock', async () => {
    expect(await acts({ cause: 'starved', durationMs: 20_000, cpuMs: 5000 })).toEqual(['report', 'SIGABRT']);
    expect(await acts({ cause: 'starved', durationMs: 50_000, cpuMs: 100 })).toEqual(['report', 'SIGABRT']);
  });

  it('ends the process also if its report fails, which is counted', async () => {
    const done: string[] = [];
    const guard = guardOf({
      report: async () => {
        throw new Error('no');
      },
      onFault: () => done.push('fault'),
      kill: (signal) => done.push(signal),
    });
    guard(stall({}));
    await settled();
    expect(done).toEqual(['fault', 'SIGABRT']);
  });

  it('ends the process also if its report never comes', () => {
    vi.useFakeTimers();
    try {
      const done: string[] = [];
      guardOf({ report: () => new Promise(() => {}), kill: (signal) => done.push(signal) })(stall({}));
      expect(done).toEqual([]);
      vi.advanceTimersByTime(3000);
      expect(done).toEqual(['SIGABRT']);
    } finally {
      vi.useRealTimers();
    }
  });

  it.each([
    ['goes on', stall({}), ['SIGABRT', 'force']],
    ['comes back', undefined, ['SIGABRT']],
  ])('ends by force, once, the process that the signal does not end if it %s', (_, next, expected) => {
    vi.useFakeTimers();
    try {
      const done: string[] = [];
      const guard = guardOf({
        report: () => new Promise(() => {}),
        kill: (signal) => done.push(signal),
        endByForce: () => done.push('force'),
      });
      guard(stall({}));
      vi.advanceTimersByTime(3500);
      guard(next);
      vi.advanceTimersByTime(10_000);
      expect(done).toEqual(expected);
    } finally {
      vi.useRealTimers();
    }
  });

  it.each([undefined, '2'])('lets a loop live that comes back during the report', async (next) => {
    const killed: string[] = [];
    const guard = guardOf({ kill: (signal) => killed.push(signal) });
    guard(stall({}));
    guard(next === undefined ? undefined : stall({ id: next, durationMs: 100 }));
    await settled();
    expect(killed).toEqual([]);
  });

  it('spares whoever is not to blame', async () => {
    expect(await acts({ cause: 'suspended' })).toEqual([]);
    expect(await acts({ cause: 'starved', durationMs: 49_999, cpuMs: 4999 })).toEqual([]);
    expect(await acts({ durationMs: 9000, suspendedMs: 4500 })).toEqual([]);
    expect(await acts({}, 0)).toEqual([]);
  });
});
