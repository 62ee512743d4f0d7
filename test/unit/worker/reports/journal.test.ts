import { describe, expect, it } from 'vitest';
import type { Offender, Stall } from '../../../../src/shared/stall.js';
import { fingerprintOf } from '../../../../worker/reports/fingerprint.js';
import { createJournal, whereOf } from '../../../../worker/reports/journal.js';

describe('the journal', () => {
  const frame = { function: 'f', file: '/a.js', line: 1, column: 1, internal: false };
  const stall = (id: number, over: Partial<Stall> = {}): Stall => ({
    id: String(id),
    thread: 'main',
    cause: 'cpu',
    startedAt: '',
    durationMs: 200,
    gcMs: 0,
    suspendedMs: 0,
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

  it('lists the worst offender however many others there are, and says by how much it may be wrong', () => {
    const journal = createJournal();
    const truth = new Map<string, number>();
    const add = (fingerprint: string, durationMs: number): void => {
      journal.add(stall(0, { fingerprint, durationMs }));
      truth.set(fingerprint, (truth.get(fingerprint) ?? 0) + durationMs / 1000);
    };
    for (let i = 0; i < 100; i++) add(`first ${i}`, 1000);
    // Always new ones, and one that comes again and again, each time shorter than any other.
    for (let i = 0; i < 3000; i++) add(i % 2 ? 'worst' : `once ${i}`, i % 2 ? 300 : 400);
    const all = [...truth.values()].reduce((sum, seconds) => sum + seconds, 0);
    const [first, ...others] = journal.offenders();
    expect(first).toMatchObject({ fingerprint: 'worst' });
    for (const { fingerprint, totalSeconds, overSeconds } of [first as Offender, ...others]) {
      const seconds = truth.get(fingerprint) as number;
      expect(totalSeconds).toBeGreaterThanOrEqual(seconds - 1e-6);
      expect(totalSeconds - overSeconds).toBeLessThanOrEqual(seconds + 1e-6);
      expect(overSeconds).toBeLessThanOrEqual(all / 100);
    }
    expect(others).toHaveLength(99);
  });

  it('names the column, too, where the line says little', () => {
    const at = (over: object): string | undefined => whereOf({ culprit: { ...frame, ...over } });
    expect(at({})).toBe('f /a.js:1');
    expect(at({ column: 23_456 })).toBe('f /a.js:1:23456');
    expect(at({ code: 'x'.repeat(118) })).toBe('f /a.js:1:1');
  });

  it('gives stalls of one place one fingerprint, whatever the line', () => {
    const at = (line: number, name = 'f') => ({
      thread: 'main',
      cause: 'cpu' as const,
      path: [{ ...frame, line, function: name }],
    });
    expect(fingerprintOf(at(1))).toBe(fingerprintOf(at(9)));
    expect(fingerprintOf(at(1))).not.toBe(fingerprintOf(at(1, 'g')));
    expect(fingerprintOf({ ...at(1), cause: 'gc' })).not.toBe(fingerprintOf(at(1)));
  });
});
