import { bytes, cpus, duration, share } from '../format.js';

/** How the values of a chart are measured out, and what they are called. */
export interface Measure {
  /** What a value is called in full. */
  readonly format: (value: number) => string;
  /** Where the axis ends, the largest value in sight given: at few places, so that it seldom moves. */
  readonly top: (largest: number) => number;
  /** As many characters as a value has at most, mostly: what stands after it does not move. */
  readonly width: number;
  /** Where its lines are. */
  readonly lines: (top: number) => number[];
  /** What they are called. */
  readonly tick: (value: number) => string;
  /** Where a logarithmic axis begins: what is less is drawn there. */
  readonly floor?: number;
}

const quarters = (top: number): number[] => [0, top / 4, top / 2, (top * 3) / 4, top];

/** From a tenth of a millisecond to minutes, so by powers of ten: else a stall flattens all the rest. */
export const MILLISECONDS: Measure = {
  format: duration,
  width: 7,
  top: (largest) => 10 ** Math.ceil(Math.log10(Math.max(largest, 1000))),
  lines: (top) => Array.from({ length: Math.round(Math.log10(top)) + 2 }, (_, power) => 10 ** (power - 1)),
  tick: (value) => (value >= 1000 ? `${value / 1000} s` : `${value} ms`),
  floor: 0.1,
};

export const SHARE: Measure = {
  format: share,
  width: 5,
  top: (largest) => Math.max(1, Math.ceil(largest)),
  lines: quarters,
  tick: share,
};

export const CPUS: Measure = {
  format: cpus,
  width: 4,
  top: (largest) => 2 ** Math.ceil(Math.log2(Math.max(largest, 1))),
  lines: quarters,
  tick: (value) => String(value),
};

/** Whole ones at each line. */
export const TASKS: Measure = {
  format: (value) => String(value),
  width: 4,
  top(largest) {
    const power = 10 ** Math.floor(Math.log10(Math.max(largest, 4) / 4));
    return [4, 8, 12, 20, 40].map((step) => step * power).find((top) => top >= largest) as number;
  },
  lines: quarters,
  tick: (value) => (value >= 10_000 ? `${value / 1000}k` : String(value)),
};

export const BYTES: Measure = {
  format: bytes,
  width: 7,
  top: (largest) => 2 ** Math.ceil(Math.log2(Math.max(largest, 2 ** 25))),
  lines: quarters,
  tick: (value) => bytes(value).replace('.0', ''),
};
