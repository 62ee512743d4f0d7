/** The part of main's time that may go into its registry's text, however many ask for it. */
const SHARE = 0.05;
/**
 * What was not used is saved up to this, in milliseconds: scrapes that come close together each get a text of
 * their own.
 */
const SAVED_MAX_MS = 500;

export interface Allowance {
  left(nowMs: number): boolean;
  /** May be more than is left: then it takes the longer until there is some again. */
  spend(nowMs: number, costMs: number): void;
}

export function createAllowance(startMs: number): Allowance {
  let savedMs = SAVED_MAX_MS;
  let atMs = startMs;
  function save(nowMs: number): void {
    savedMs = Math.min(SAVED_MAX_MS, savedMs + (nowMs - atMs) * SHARE);
    atMs = nowMs;
  }
  return {
    left(nowMs) {
      save(nowMs);
      return savedMs > 0;
    },
    spend(nowMs, costMs) {
      save(nowMs);
      savedMs -= costMs;
    },
  };
}
