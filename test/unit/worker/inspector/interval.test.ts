import { describe, expect, it } from 'vitest';
import { createIntervals, LOOKS_MAX } from '../../../../worker/inspector/interval.js';

/** Looks at a stall, in virtual time. @returns when, in milliseconds after it began */
function looksAt(
  stallMs: number,
  costOf: (n: number) => number,
  budgetMs = 3000,
  random = () => 0.5,
): number[] {
  const intervals = createIntervals({ budgetMs, random });
  const looks: number[] = [];
  for (let atMs: number | undefined = 200; atMs !== undefined && atMs < stallMs; ) {
    const costMs = costOf(looks.push(atMs) - 1);
    intervals.note(costMs);
    const waitMs = intervals.nextMs(atMs + costMs);
    atMs = waitMs === undefined ? undefined : atMs + costMs + waitMs;
  }
  return looks;
}
const first = (ms: number, later: number) => (n: number) => (n === 0 ? ms : later);

describe('looks at a stall', () => {
  it('come every 50 ms at first, and cover six minutes with a hundred', () => {
    const looks = looksAt(600_000, first(4, 0.4));
    expect(looks).toHaveLength(LOOKS_MAX);
    for (let n = 1; n < 40; n++) expect((looks[n] as number) - (looks[n - 1] as number)).toBeLessThan(56);
    expect(looks.at(-1)).toBeGreaterThan(360_000);
    for (let n = 40; n < looks.length; n++)
      expect((looks[n] as number) / (looks[n - 1] as number)).toBeLessThan(1.15);
  });

  it.each([0.4, 1, 5, 40])('besides the first take at most a hundredth of it, at %d ms each', (costMs) => {
    for (const stallMs of [1000, 10_000, 100_000]) {
      const looks = looksAt(stallMs, first(4, costMs));
      // Of the second nobody knows yet what it will cost.
      expect((looks.length - 1) * costMs).toBeLessThanOrEqual(0.01 * stallMs + costMs);
    }
  });

  it('end when the budget is used up', () => {
    expect(looksAt(60_000, first(4, 1), 14)).toHaveLength(11);
  });

  it('go on though the first was dear: it had to ask V8 for scripts', () => {
    expect(looksAt(3000, first(60, 0.5)).length).toBeGreaterThan(30);
  });

  it('are not in step with what the app does in a rhythm', () => {
    let n = 0;
    const looks = looksAt(2000, first(1, 0.3), 3000, () => (n++ % 10) / 10);
    const waits = looks.slice(1).map((ms, i) => Math.round(ms - (looks[i] as number)));
    expect(new Set(waits).size).toBeGreaterThan(5);
  });
});
