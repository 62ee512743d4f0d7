/** Captures may cost main at most this part of the time, over this window. */
const SHARE = 0.005;
const WINDOW_MS = 600_000;
/** The first captures of different stalls are at least this far apart. */
const APART_MS = 5000;
/** What a capture is taken to cost before one was measured. */
const FIRST_GUESS_MS = 10;

/** Steers captures by what they were measured to cost. */
export function createBudget(): {
  /** @param fresh whether this would be the first capture of its stall */
  allows(nowMs: number, fresh: boolean): boolean;
  spend(nowMs: number, costMs: number, fresh: boolean): void;
} {
  const spent: { readonly atMs: number; readonly costMs: number }[] = [];
  let lastCostMs = FIRST_GUESS_MS;
  let lastFreshMs = Number.NEGATIVE_INFINITY;
  return {
    allows(nowMs, fresh) {
      while (spent[0] && spent[0].atMs < nowMs - WINDOW_MS) spent.shift();
      const total = spent.reduce((sum, { costMs }) => sum + costMs, 0);
      return total + lastCostMs <= WINDOW_MS * SHARE && (!fresh || nowMs - lastFreshMs >= APART_MS);
    },
    spend(nowMs, costMs, fresh) {
      spent.push({ atMs: nowMs, costMs });
      lastCostMs = costMs;
      if (fresh) lastFreshMs = nowMs;
    },
  };
}
