import { describe, expect, it } from 'vitest';
import { createSuspensions } from '../../../../worker/stalls/suspensions.js';

describe('a suspension of the process', () => {
  /** A sidecar that polls each 200 ms, with its own clock and CPU times. */
  function createSidecar(timed = true) {
    let nowMs = 1000;
    let keptMs = 0;
    const own = { cpuMs: 1, runQueueMs: 0 };
    const suspensions = createSuspensions(
      () => (timed ? { ...own } : undefined),
      () => keptMs,
    );
    return {
      suspensions,
      now: () => nowMs,
      /** The next poll: it waited for `waitMs`, then came this much too late, for this reason. */
      poll(
        waitMs: number,
        lateMs: number,
        reason: 'stopped' | 'kept' | 'busy' | 'starved' = 'stopped',
      ): number {
        nowMs += waitMs + lateMs;
        if (reason === 'kept') keptMs += waitMs + lateMs;
        if (reason === 'busy') own.cpuMs += waitMs + lateMs;
        if (reason === 'starved') own.runQueueMs += lateMs;
        return suspensions.note(nowMs, lateMs);
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
  ] as const)('%s', (_, lateMs, reason, timed, suspendedMs) => {
    const { suspensions, now, poll } = createSidecar(timed);
    poll(200, 0);
    expect(poll(200, lateMs, reason)).toBe(suspendedMs);
    expect(suspensions.suspendedBetween(now() - 500, now() + 1000).surelyMs).toBe(Math.min(suspendedMs, 500));
  });

  it('may have begun right after the last poll: a stall that ended with it lay in it', () => {
    const { suspensions, now, poll } = createSidecar();
    poll(200, 0);
    const polledMs = now();
    poll(200, 100);
    const [from, to] = [polledMs + 20, now() + 5];
    expect(suspensions.suspendedBetween(from, to)).toEqual({ surelyMs: 100, likelyMs: 285 });
    // Of those that began before the poll or ended otherwise, it is what is known for sure.
    expect(suspensions.suspendedBetween(polledMs - 100, to)).toEqual({ surelyMs: 100, likelyMs: 100 });
    expect(suspensions.suspendedBetween(from, to + 195)).toEqual({ surelyMs: 100, likelyMs: 100 });
  });

  it('is watched out for after two suspicious polls, not after one', () => {
    const { suspensions, now, poll } = createSidecar();
    poll(200, 0);
    expect(poll(200, 30)).toBe(0);
    expect(suspensions.isWary(now())).toBe(false);
    for (let i = 0; i < 5; i++) poll(300, 0);
    expect(poll(200, 30)).toBe(0);
    expect(poll(200, 45)).toBe(45);
    expect(suspensions.isWary(now())).toBe(true);
    for (let i = 0; i < 11; i++) poll(100, 0);
    expect(suspensions.isWary(now())).toBe(false);
  });

  it('of many in a row all are known, however many', () => {
    const { suspensions, now, poll } = createSidecar();
    poll(200, 0);
    const fromMs = now();
    for (let i = 0; i < 5000; i++) {
      poll(10, 65);
      poll(10, 0);
      poll(10, 0);
    }
    const { surelyMs } = suspensions.suspendedBetween(fromMs, now());
    expect(surelyMs).toBeCloseTo(5000 * 65, -2);
    const { surelyMs: lately } = suspensions.suspendedBetween(now() - 9500, now());
    expect(lately).toBeCloseTo(100 * 65, -2);
  });
});
