import { expect, it } from 'vitest';
import { HISTORY_SERIES } from '../../../../src/shared/status.js';
import {
  createRing,
  type PoolReadings,
  type Readings,
  type Ring,
} from '../../../../worker/status/history.js';

const WALL_MS = 1_800_000_000_000;

const readings = (value: number): Readings =>
  Object.fromEntries(HISTORY_SERIES.map((name) => [name, value])) as Readings;
const pool = (name: string, active: number): PoolReadings => ({ name, active, capacity: 8, queued: 0 });

/** A point each second from 0 on. */
function fill(ring: Ring, points: number, pools: (point: number) => PoolReadings[] = () => []): void {
  for (let i = 0; i < points; i++) ring.note(1000 * i, WALL_MS + 1000 * i, readings(i), pools(i));
}
const all = (ring: Ring, point: number): ReturnType<Ring['since']> =>
  ring.since(undefined, WALL_MS + 1000 * point);

it('keeps the last 15 minutes, and their numbers', () => {
  const ring = createRing(100);
  expect(all(ring, 0)).toMatchObject({ seq: 99, at: [] });
  fill(ring, 2000);
  const { seq, at, series } = all(ring, 1999);
  expect(seq).toBe(2099);
  expect(at).toEqual(Array.from({ length: 900 }, (_, i) => WALL_MS + 1000 * (1100 + i)));
  expect(series.gc).toEqual(Array.from({ length: 900 }, (_, i) => 1100 + i));
  // Nothing was noted for ten minutes.
  expect(all(ring, 1999 + 600).at).toHaveLength(301);
  expect(all(ring, 1999 + 901).at).toEqual([]);
});

it('tells what is newer, and all to who is ahead of it or has been away for too long', () => {
  const ring = createRing(100);
  fill(ring, 2000);
  const since = (seq: number): number => ring.since(seq, WALL_MS + 1_999_000).at.length;
  expect(since(2098)).toBe(1);
  expect(since(2099)).toBe(0);
  expect(since(2100)).toBe(900);
  expect(since(0)).toBe(900);
});

it('takes under 300 KB, however many pools there are', () => {
  const ring = createRing(0);
  expect(ring.bytes()).toBe(900 * (8 + 4 * HISTORY_SERIES.length));
  fill(ring, 1000, () => Array.from({ length: 32 }, (_, i) => pool(`pool-${i}`, i)));
  expect(ring.bytes()).toBe(226_800);
  expect(all(ring, 999).pools.map(({ name }) => name)).toEqual(
    Array.from({ length: 16 }, (_, i) => `pool-${i}`),
  );
});

it('knows nothing of a pool before it came and after it went, and gives its room away when it is past', () => {
  const ring = createRing(0);
  fill(ring, 4, (point) => (point === 1 || point === 2 ? [pool('images', point)] : []));
  const [images] = all(ring, 3).pools;
  expect(images).toEqual({
    name: 'images',
    active: [null, 1, 2, null],
    capacity: [null, 8, 8, null],
    queued: [null, 0, 0, null],
  });
  fill(ring, 898);
  expect(all(ring, 3).pools).toHaveLength(1);
  fill(ring, 1);
  expect(all(ring, 3).pools).toEqual([]);
});

it('stays in order when the clock is set back', () => {
  const ring = createRing(0);
  fill(ring, 3);
  ring.note(3000, WALL_MS - 60_000, readings(3), []);
  const { at, series } = all(ring, -60);
  expect(at).toEqual([-63, -62, -61, -60].map((second) => WALL_MS + 1000 * second));
  expect(series.gc).toEqual([0, 1, 2, 3]);
  // Whoever has heard of the others has them at times that are yet to come.
  expect(ring.since(2, WALL_MS - 60_000).at).toEqual(at);
  expect(ring.since(3, WALL_MS - 60_000).at).toEqual([]);
});

it('rounds to four digits, and tells what is not known as null', () => {
  const ring = createRing(0);
  const told = [2.34567, 0.000123, 4_345_298_944, 0, Number.NaN, Number.POSITIVE_INFINITY, 123.456];
  told.forEach((value, i) => {
    ring.note(1000 * i, WALL_MS + 1000 * i, readings(value), []);
  });
  expect(all(ring, told.length).series.gc).toEqual([2.346, 0.0001, 4_345_000_000, 0, null, null, 123.5]);
});
