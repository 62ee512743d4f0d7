import { describe, expect, it } from 'vitest';
import type { Stall } from '../../../../src/shared/stall.js';
import { createHangGuard } from '../../../../worker/reports/hang.js';

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
