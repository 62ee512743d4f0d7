// Of an event that arrives at a random moment: it waits for what is left of the turn that it meets, and not
// at all when the loop idles. All in milliseconds.

const QUANTILES = { p50: 0.5, p90: 0.9, p99: 0.99 };
const mapped = (of) => Object.fromEntries(Object.entries(QUANTILES).map(([name, q]) => [name, of(q)]));

/**
 * Mean and quantiles of the wait, from the turns' own lengths; with `bounds`, as a histogram with these shows
 * them.
 */
export function ofTurns(turns, wallMs, bounds) {
  const within = (ms) => wallMs - turns.reduce((sum, turn) => sum + Math.max(0, turn - ms), 0);
  const sum = turns.reduce((all, turn) => all + turn ** 2 / 2, 0);
  if (bounds) return bucketed(bounds, bounds.map(within), sum);
  return {
    mean: sum / wallMs,
    ...mapped((q) => {
      let [low, high] = [0, Math.max(...turns)];
      while (high - low > 0.001) {
        const middle = (low + high) / 2;
        if (within(middle) < q * wallMs) low = middle;
        else high = middle;
      }
      return high;
    }),
  };
}

/**
 * The same from cumulative counts per bound, the last without one, as Prometheus' `histogram_quantile` has
 * it.
 */
export function bucketed(bounds, counts, sum) {
  const total = counts.at(-1);
  return {
    mean: sum / total,
    ...mapped((q) => {
      const bucket = counts.findIndex((count) => count >= q * total);
      const [low, below] = bucket === 0 ? [0, 0] : [bounds[bucket - 1], counts[bucket - 1]];
      return low + (bounds[bucket] - low) * ((q * total - below) / (counts[bucket] - below));
    }),
  };
}
