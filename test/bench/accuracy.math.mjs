// Of an event that arrives at a random moment: it waits for what is left of the turn that it meets, and not
// at all when the loop idles. All in milliseconds.

const QUANTILES = { p50: 0.5, p90: 0.9, p99: 0.99 };

/** Mean and quantiles of the wait, from the turns' own lengths. */
export function ofTurns(turns, wallMs) {
  const within = (ms) => wallMs - turns.reduce((sum, turn) => sum + Math.max(0, turn - ms), 0);
  const quantile = (q) => {
    let [low, high] = [0, Math.max(...turns)];
    while (high - low > 0.001) {
      const middle = (low + high) / 2;
      if (within(middle) < q * wallMs) low = middle;
      else high = middle;
    }
    return high;
  };
  return {
    mean: turns.reduce((all, turn) => all + turn ** 2 / 2, 0) / wallMs,
    ...Object.fromEntries(Object.entries(QUANTILES).map(([name, q]) => [name, quantile(q)])),
  };
}
