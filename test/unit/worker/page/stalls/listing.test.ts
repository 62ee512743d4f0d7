import { expect, it } from 'vitest';
import type { Stall } from '../../../../../src/shared/stall.js';
import type { LoopStatus } from '../../../../../src/shared/status.js';
import { createListing, hashOfStall, stallOfHash } from '../../../../../worker/page/stalls/listing.js';

const stallOf = (id: string): Stall => ({ id }) as Stall;
const loopOf = (...ids: string[]): LoopStatus[] => ids.map((id) => ({ stall: stallOf(id) }) as LoopStatus);
const idle = [{}] as LoopStatus[];

it('what is under way is on top, and stays in its place when it is over and not told yet', () => {
  const listing = createListing();
  const seen = () =>
    listing
      .all()
      .map(({ stall, live, complete }) => `${stall.id}${live ? ' live' : complete ? '' : ' ending'}`);
  listing.take([stallOf('2'), stallOf('1')]);
  listing.observe(loopOf('3'));
  expect(seen()).toEqual(['3 live', '2', '1']);
  listing.observe(idle);
  expect(seen()).toEqual(['3 ending', '2', '1']);
  listing.take([stallOf('3'), stallOf('2'), stallOf('1')]);
  expect(seen()).toEqual(['3', '2', '1']);
});

it('what was told to be over before it is seen to be is there once', () => {
  const listing = createListing();
  listing.observe(loopOf('1'));
  listing.take([stallOf('1')]);
  expect(listing.all()).toEqual([{ stall: stallOf('1'), live: false, complete: true }]);
});

it('what one sidecar has told stays when the next knows of none of it, a hundred in all', () => {
  const listing = createListing();
  const ids = (): string[] => listing.all().map(({ stall }) => stall.id);
  listing.take([stallOf('2'), stallOf('1')]);
  listing.take([]);
  expect(ids()).toEqual(['2', '1']);
  listing.take([stallOf('3')]);
  expect(ids()).toEqual(['3', '2', '1']);
  const hundred = Array.from({ length: 100 }, (_, i) => stallOf(`x${i}`));
  listing.take(hundred);
  expect(ids()).toEqual(hundred.map(({ id }) => id));
});

it('what was no stall in the end goes after a while', () => {
  const listing = createListing();
  listing.observe(loopOf('1'));
  for (let update = 0; update < 20; update++) listing.observe(idle);
  expect(listing.all()).toEqual([]);
});

it('an address is of one stall', () => {
  for (const id of ['21042-mwx5sci8t0rgrbn0v04-154', 'a&b=c#d %'])
    expect(stallOfHash(hashOfStall(id))).toBe(id);
  for (const hash of ['', '#', '#stall=', '#charts']) expect(stallOfHash(hash)).toBeUndefined();
});
