const FIRST_MS = 50;
/**
 * The port should be back within two seconds: the first ten respawns in a row never wait longer than this.
 */
const MAX_MS = 1000;
const PATIENCE = 10;
/** What dies on and on is tried again once a minute. */
const TIRED_MS = 60_000;
/** What lived this long was healthy: the back-off begins anew. */
const HEALTHY_AFTER_MS = 30_000;

/** How long to wait before something that keeps dying is started again. */
export interface Backoff {
  /** Whether nothing has died since it was last healthy. */
  readonly fresh: boolean;
  died(livedMs: number): void;
  /** The milliseconds until the next attempt; longer each time. */
  next(): number;
}

export function createBackoff(): Backoff {
  let inARow = 0;
  return {
    get fresh() {
      return inARow === 0;
    },
    died(livedMs) {
      if (livedMs > HEALTHY_AFTER_MS) inARow = 0;
    },
    next() {
      const waitMs = FIRST_MS * 2 ** inARow++;
      return Math.min(waitMs, inARow <= PATIENCE ? MAX_MS : TIRED_MS);
    },
  };
}
