/** A turn of an app's loop, by the app's own record. Milliseconds; moments since the epoch. */
export interface Turn {
  readonly atMs: number;
  /** For how long it kept the loop, at most. */
  readonly heldMs: number;
}

/** One block of the loop. It is booked by `toMs` at the latest. */
export interface Block {
  readonly fromMs: number;
  readonly heldMs: number;
  readonly toMs: number;
}

export interface Record {
  readonly turns: readonly Turn[];
  readonly blocks: readonly Block[];
}

/** For how long an arrival would have had to wait longer than `ms`: what is left of each turn. */
export function excess(turns: readonly { readonly heldMs: number }[], ms: number): number {
  return turns.reduce((sum, { heldMs }) => sum + Math.max(0, heldMs - ms), 0);
}

/** The exact quantile of the delay, in milliseconds. */
export function quantileOf(turns: readonly { readonly heldMs: number }[], wallMs: number, q: number): number {
  let [low, high] = [0, Math.max(0, ...turns.map(({ heldMs }) => heldMs))];
  while (high - low > 0.01) {
    const middle = (low + high) / 2;
    if (excess(turns, middle) > (1 - q) * wallMs) low = middle;
    else high = middle;
  }
  return high;
}

/** The bucket that a value lies in, its bounds. */
export function bucketOf(bounds: readonly number[], value: number): readonly [number, number] {
  const place = bounds.findIndex((bound) => value <= bound);
  const upper = place < 0 ? Number.POSITIVE_INFINITY : (bounds[place] as number);
  return [place < 0 ? (bounds.at(-1) as number) : (bounds[place - 1] ?? 0), upper];
}

/**
 * What `histogram_quantile` makes of a histogram that knows these turns by its bounds only: it goes straight
 * through each bucket.
 */
export function interpolated(
  turns: readonly { readonly heldMs: number }[],
  wallMs: number,
  bounds: readonly number[],
  q: number,
): number {
  const countOf = (bound: number): number => (bound === 0 ? 0 : wallMs - excess(turns, bound));
  const rank = q * wallMs;
  const upper = bounds.find((bound) => countOf(bound) >= rank) ?? (bounds.at(-1) as number);
  const [lower] = bucketOf(bounds, upper);
  return lower + ((upper - lower) * (rank - countOf(lower))) / (countOf(upper) - countOf(lower));
}

/** The largest part of any `windowMs` for which arrivals had to wait longer than `ms`. */
export function worstShare(turns: readonly Turn[], windowMs: number, ms: number): number {
  const shares = turns.map(({ atMs }) => {
    const within = turns.filter((turn) => turn.atMs > atMs - windowMs && turn.atMs <= atMs);
    return excess(within, ms) / windowMs;
  });
  return Math.max(0, ...shares);
}
