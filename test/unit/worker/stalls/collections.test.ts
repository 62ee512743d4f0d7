import { describe, expect, it } from 'vitest';
import { openGcNotes } from '../../../../src/loop/gc.js';
import { CLOCK_OFFSET_MS } from '../../../../src/shared/clock.js';
import { GC, type GcValues } from '../../../../src/shared/layout.js';
import { allocate, openReader } from '../../../../src/shared/regions.js';
import { collectingBetween } from '../../../../worker/stalls/collections.js';

describe('collections', () => {
  const noted = (collections: readonly (readonly [number, number])[]): GcValues => {
    const memory = allocate(GC);
    const note = openGcNotes(memory);
    // `performance.now()` of this thread, as the entries have it.
    note(collections.map(([startMs, duration]) => ({ startTime: startMs - CLOCK_OFFSET_MS, duration })));
    return openReader(GC, memory)();
  };

  const never = (): number => 0;

  it('stand still with the process', () => {
    const suspendedBetween = (fromMs: number, toMs: number): number =>
      Math.max(0, Math.min(toMs, 1800) - Math.max(fromMs, 1100));
    expect(collectingBetween(1000, 2000, noted([[1090, 750]]), suspendedBetween)).toBeCloseTo(50);
  });

  it('are summed where they overlap the stall, and nowhere else', () => {
    const gc = noted([
      [900, 150],
      [1100, 200],
      [1400, 50],
      [1490, 500],
      [3000, 100],
    ]);
    expect(collectingBetween(1000, 1500, gc, never)).toBeCloseTo(50 + 200 + 50 + 10);
  });

  it('of the time before the stall take nothing from it, and add nothing to it', () => {
    const gc = noted([
      [950, 1],
      [1005, 100],
      [1115, 5],
      [1130, 60],
    ]);
    expect(collectingBetween(1000, 1120, gc, never)).toBeCloseTo(105);
    expect(collectingBetween(1122, 1200, gc, never)).toBeCloseTo(60);
  });

  it('of a long stall are more than the ring holds: what it has forgotten was like the rest', () => {
    const stall = Array.from({ length: 2000 }, (_, i) => [10_000 + 15 * i, 10] as const);
    expect(collectingBetween(10_000, 40_000, noted(stall), never)).toBeCloseTo(20_000, -2);
    // One after the other, they need hardly any room.
    const dense = Array.from({ length: 10_000 }, (_, i) => [10_000 + 3 * i, 2.9] as const);
    const gc = noted(dense);
    expect(gc.windows).toBeLessThan(120);
    expect(collectingBetween(10_000, 40_000, gc, never)).toBeCloseTo(29_000, -2);
    expect(Math.abs(collectingBetween(39_000, 39_300, gc, never) - 290)).toBeLessThan(15);
  });
});
