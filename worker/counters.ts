import { wallClockOf } from '../src/shared/clock.js';
import type { Fields, LEDGER, LOOP_LEDGER, Region } from '../src/shared/layout.js';
import { openWriter } from '../src/shared/regions.js';

/**
 * Counters of the sidecar that live in shared memory, so that the sidecar's successor goes on with them. An
 * index outside of a field's row throws: it would count in the next field.
 */
export interface Ledger<F extends Fields> {
  get(field: keyof F, index?: number): number;
  /** A copy of all numbers of the field. */
  row(field: keyof F): Readonly<Float64Array>;
  add(field: keyof F, amount: number, index?: number): void;
  set(field: keyof F, value: number, index?: number): void;
  /** The higher of `value` and what this returned before: no counter that passes here ever goes back. */
  raise(field: keyof F, value: number, index?: number): number;
}

export type LoopLedger = Ledger<(typeof LOOP_LEDGER)['fields']>;
export type ProcessLedger = Ledger<(typeof LEDGER)['fields']>;

/** One counter a name, in a row of the ledger. */
export interface Tally<N extends string> {
  add(name: N, amount?: number): void;
  entries(): readonly (readonly [N, number])[];
}

export function openTally<F extends Fields, N extends string>(
  ledger: Ledger<F>,
  field: keyof F,
  names: readonly N[],
): Tally<N> {
  return {
    add: (name, amount = 1) => ledger.add(field, amount, names.indexOf(name)),
    entries: () => names.map((name, index) => [name, ledger.get(field, index)] as const),
  };
}

/**
 * The wall-clock time of a moment, which is fixed when it is first asked for and kept in a field of two.
 * It lasts until another moment is asked for there.
 */
export function wallTimeOf<F extends Fields>(ledger: Ledger<F>, field: keyof F, momentMs: number): number {
  if (ledger.get(field) !== momentMs) {
    ledger.set(field, wallClockOf(momentMs), 1);
    ledger.set(field, momentMs);
  }
  return ledger.get(field, 1);
}

export function openLedger<F extends Fields>(
  region: Region<'sidecar', F>,
  memory: SharedArrayBuffer,
): Ledger<F> {
  const { at, values } = openWriter('sidecar', region, memory);
  const slotOf = (field: keyof F, index: number): number => {
    const width = region.fields[field] ?? 0;
    if (Number.isInteger(index) && index >= 0 && index < width) return at[field] + index;
    throw new RangeError(`The ledger's ${String(field)} has no index ${index}: it has ${width}.`);
  };
  return {
    get: (field, index = 0) => values[slotOf(field, index)] as number,
    row: (field) => values.slice(at[field], at[field] + (region.fields[field] ?? 0)),
    add(field, amount, index = 0) {
      const i = slotOf(field, index);
      values[i] = (values[i] as number) + amount;
    },
    set(field, value, index = 0) {
      values[slotOf(field, index)] = value;
    },
    raise(field, value, index = 0) {
      const i = slotOf(field, index);
      const highest = Math.max(value, values[i] as number);
      values[i] = highest;
      return highest;
    },
  };
}
