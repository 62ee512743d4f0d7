/** So much of a stall its looks may take, besides the first. */
const SHARE = 0.01;
/** Looks at one stall, at most. */
export const LOOKS_MAX = 100;
/** As long as there are so few, they come so often. */
const EVEN_LOOKS = 40;
const EVEN_MS = 50;
/** From then on each interval is longer by this: the hundredth look comes after six minutes. */
const GROWTH = 1.12;
/** So much of an interval is left to chance: what the app does in a rhythm must not be met always in step. */
const JITTER = 0.5;
/** What a look is taken to cost before one was measured. */
const FIRST_GUESS_MS = 0.5;

export interface IntervalOptions {
  /** Milliseconds that all looks together may cost. */
  readonly budgetMs: number;
  /** From 0 to 1. */
  readonly random: () => number;
}

/** When to look at a stall next, by what the looks so far have cost it. */
export interface Intervals {
  note(costMs: number): void;
  /** Whether so much more may be spent. */
  affords(stallMs: number, costMs: number): boolean;
  /**
   * Milliseconds until the next look.
   * @param stallMs for how long the stall has lasted
   * @returns `undefined` if there is to be none
   */
  nextMs(stallMs: number): number | undefined;
}

export function createIntervals({ budgetMs, random }: IntervalOptions): Intervals {
  let looks = 0;
  let firstMs = 0;
  /** Of all but the first: that one may find scripts that V8 has to be asked for. */
  let laterMs = 0;
  const expectedMs = (): number => (looks > 1 ? laterMs / (looks - 1) : FIRST_GUESS_MS);
  return {
    note(costMs) {
      if (looks++ === 0) firstMs = costMs;
      else laterMs += costMs;
    },
    affords: (stallMs, costMs) =>
      laterMs + costMs <= SHARE * stallMs && firstMs + laterMs + costMs <= budgetMs,
    nextMs(stallMs) {
      const nextCostMs = expectedMs();
      if (looks >= LOOKS_MAX || firstMs + laterMs + nextCostMs > budgetMs) return undefined;
      const meantMs = EVEN_MS * GROWTH ** Math.max(0, looks - EVEN_LOOKS);
      const paidMs = (laterMs + nextCostMs) / SHARE - stallMs;
      return Math.max(meantMs * (1 + JITTER * (random() - 0.5)), paidMs);
    },
  };
}
