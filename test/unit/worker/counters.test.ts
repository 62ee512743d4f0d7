import { expect, it } from 'vitest';
import { LEDGER } from '../../../src/shared/layout.js';
import { allocate } from '../../../src/shared/regions.js';
import { openLedger, openTally } from '../../../worker/counters.js';

it.each([-1, 1, 0.5, Number.NaN])('index %s of a row of one throws, and counts nowhere', (index) => {
  const memory = allocate(LEDGER);
  const ledger = openLedger(LEDGER, memory);
  const before = new Uint8Array(memory).slice();
  expect(() => ledger.get('polls', index)).toThrow(RangeError);
  expect(() => ledger.add('polls', 1, index)).toThrow(RangeError);
  expect(() => ledger.set('polls', 1, index)).toThrow(RangeError);
  expect(() => ledger.raise('polls', 1, index)).toThrow(RangeError);
  expect(new Uint8Array(memory)).toEqual(before);
});

it('a row takes its last index, and no further one', () => {
  const ledger = openLedger(LEDGER, allocate(LEDGER));
  const last = LEDGER.fields.captures - 1;
  ledger.add('captures', 2, last);
  expect(ledger.get('captures', last)).toBe(2);
  expect(() => ledger.add('captures', 1, last + 1)).toThrow(`has no index ${last + 1}`);
});

it('a name that a tally does not know throws', () => {
  const tally = openTally(openLedger(LEDGER, allocate(LEDGER)), 'relayDropped', ['invalid']);
  expect(() => tally.add('other' as 'invalid')).toThrow(RangeError);
});
