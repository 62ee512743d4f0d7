import { expect, it } from 'vitest';
import type { History, StallBand } from '../../../../src/shared/status.js';
import { createRing } from '../../../../worker/page/history.js';

const SECOND = 1000;

/** Points of these moments, whose numbers are the moments. */
function historyOf(seq: number, at: number[], pools: string[] = []): History {
  return {
    seq,
    at,
    series: { utilization: at } as unknown as History['series'],
    pools: pools.map((name) => ({ name, active: at, capacity: at, queued: at })),
    stalls: [],
  };
}

it('takes in what is newer, and keeps 15 minutes', () => {
  const ring = createRing();
  const all = Array.from({ length: 1000 }, (_, index) => index * SECOND);
  ring.add(historyOf(600, all.slice(0, 600)));
  expect(ring.seq).toBe(600);
  ring.add(historyOf(1000, all.slice(600)));
  const { at, series } = ring.points;
  expect(at).toEqual(all.slice(99));
  expect(series.utilization).toEqual(at);
});

it('breaks the lines where nothing is known', () => {
  const ring = createRing();
  ring.add(historyOf(2, [0, SECOND]));
  ring.add(historyOf(4, [21 * SECOND, 41 * SECOND]));
  const at = [0, 1, 11, 21, 31, 41].map((second) => second * SECOND);
  expect(ring.points.at).toEqual(at);
  expect(ring.points.series.utilization).toEqual(
    at.map((moment, index) => ([2, 4].includes(index) ? null : moment)),
  );
});

it('has each pool as long as it was there', () => {
  const ring = createRing();
  ring.add(historyOf(1, [1], ['one']));
  ring.add(historyOf(2, [2], ['one', 'other']));
  ring.add(historyOf(3, [3], ['other']));
  const active = ring.points.pools.map((pool) => [pool.name, pool.active]);
  expect(active).toEqual([
    ['one', [1, 2, null]],
    ['other', [null, 2, 3]],
  ]);
});

it('forgets a pool of which nothing is told, and nothing is left', () => {
  const ring = createRing();
  ring.add(historyOf(1, [1], ['one', 'other']));
  ring.add(historyOf(2, [2], ['other']));
  expect(ring.points.pools.map(({ name }) => name)).toEqual(['one', 'other']);
  ring.add(historyOf(3, [1000 * SECOND], ['other']));
  expect(ring.points.pools.map(({ name }) => name)).toEqual(['other']);
});

it('keeps the cause of a stall that the next sidecar does not know', () => {
  const ring = createRing();
  const told = (...stalls: StallBand[]): void => ring.add({ ...historyOf(1, [1]), stalls });
  const stall = { id: '1', fromMs: 1, toMs: 2 };
  told({ ...stall, cause: 'gc' });
  told({ ...stall, cause: 'unknown' }, { ...stall, id: '2', cause: 'unknown' });
  expect(ring.points.stalls.map(({ cause }) => cause)).toEqual(['gc', 'unknown']);
});

it('has each moment once when the clock is set back', () => {
  const ring = createRing();
  ring.add(historyOf(500, [1, 2, 3]));
  ring.add(historyOf(499, [2, 4]));
  expect([ring.seq, ring.points.at]).toEqual([499, [1, 2, 4]]);
  ring.clear();
  expect([ring.seq, ring.points.at]).toEqual([undefined, []]);
});
