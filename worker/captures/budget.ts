/** Captures may cost a thread at most this part of its time, over this window. */
const SHARE = 0.005;
const WINDOW_MS = 600_000;
/** One stall in so long is captured, but for so many that may come in a row. */
const APART_MS = 5000;
const IN_A_ROW = 3;
/** What a capture is taken to cost before one was measured. */
const FIRST_GUESS_MS = 10;

/** Steers captures by what they were measured to cost. */
export interface Budget {
  /** @param fresh whether this would be the first capture of its stall */
  allows(nowMs: number, fresh: boolean): boolean;
  /** How many milliseconds may be spent now. */
  leftMs(nowMs: number): number;
  spend(nowMs: number, costMs: number, fresh: boolean): void;
}

export function createBudget(): Budget {
  const spent: { readonly atMs: number; readonly costMs: number }[] = [];
  let lastCostMs = FIRST_GUESS_MS;
  /** When the last capture would be paid for at one in so long. */
  let paidUntilMs = Number.NEGATIVE_INFINITY;

  function leftMs(nowMs: number): number {
    while (spent[0] && spent[0].atMs < nowMs - WINDOW_MS) spent.shift();
    return WINDOW_MS * SHARE - spent.reduce((sum, { costMs }) => sum + costMs, 0);
  }

  return {
    allows: (nowMs, fresh) =>
      lastCostMs <= leftMs(nowMs) && (!fresh || paidUntilMs <= nowMs + (IN_A_ROW - 1) * APART_MS),
    leftMs,
    spend(nowMs, costMs, fresh) {
      spent.push({ atMs: nowMs, costMs });
      lastCostMs = costMs;
      if (fresh) paidUntilMs = Math.max(paidUntilMs, nowMs) + APART_MS;
    },
  };
}
