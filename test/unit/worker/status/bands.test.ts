import { expect, it } from 'vitest';
import type { Stall } from '../../../../src/shared/stall.js';
import { createBands } from '../../../../worker/status/bands.js';

const WALL_MS = Date.UTC(2026, 0, 1);
const stall = (id: string, fromMs: number, durationMs: number, thread = 'main'): Stall => ({
  id,
  thread,
  cause: 'cpu',
  startedAt: new Date(WALL_MS + fromMs).toISOString(),
  durationMs,
  gcMs: 0,
  suspendedMs: 0,
  fingerprint: 'f',
  stacks: [],
});

it('has the stalls of main in the last 15 minutes, oldest first', () => {
  const stalls = [
    stall('c', 800_000, 200),
    stall('other', 700_000, 200, 'resize'),
    stall('b', 100_000, 5000),
    stall('a', 0, 300),
  ];
  expect(createBands().all(0, WALL_MS + 1_000_000, stalls)).toEqual([
    { id: 'b', cause: 'cpu', fromMs: WALL_MS + 100_000, toMs: WALL_MS + 105_000 },
    { id: 'c', cause: 'cpu', fromMs: WALL_MS + 800_000, toMs: WALL_MS + 800_200 },
  ]);
});

it('goes on with those of the sidecar before, a hundred in all', () => {
  const earlier = Array.from({ length: 120 }, (_, i) => ({
    id: `e${i}`,
    cause: 'unknown' as const,
    fromMs: WALL_MS + i * 1000,
    toMs: WALL_MS + i * 1000 + 200,
  }));
  const ids = createBands(earlier)
    .all(0, WALL_MS + 960_000, [stall('b', 950_000, 200), stall('a', 940_000, 200)])
    .map(({ id }) => id);
  expect(ids).toEqual([...earlier.slice(60).map(({ id }) => id), 'a', 'b']);
  expect(createBands(earlier).all(0, WALL_MS + 100_000, [])).toHaveLength(100);
});

it('has the one under way without an end, and keeps it until it is told of', () => {
  const bands = createBands();
  const all = (nowMs: number, told: Stall[] = []): unknown => bands.all(nowMs, WALL_MS + nowMs, told);
  bands.note(1000, stall('a', 500, 500));
  const open = { id: 'a', cause: 'cpu', fromMs: WALL_MS + 500 };
  expect(all(1000)).toEqual([open]);
  bands.note(1500, undefined);
  expect(all(1500)).toEqual([{ ...open, toMs: WALL_MS + 1000 }]);
  expect(all(1700, [stall('a', 500, 700)])).toEqual([{ ...open, toMs: WALL_MS + 1200 }]);
  // It turned out to be none.
  expect(all(5000)).toEqual([]);
});
