import { LEDGER } from '../shared/layout.js';
import { openView } from '../shared/regions.js';

/** A sidecar looks once a second at least; after such a silence, while main turns, it will not come back. */
const DEAF_AFTER_MS = 10_000;
/** Main's own absences do not count: of the time between two beats this much at most. */
const BEAT_MAX_MS = 1500;

/**
 * Watches the watcher: tells when the sidecar has stopped looking though main turns.
 * @param ledger the sidecar's counters
 * @returns to be asked with each beat of the pacer; begins anew after it has told
 */
export function watchForDeafness(ledger: SharedArrayBuffer): (nowMs: number) => boolean {
  const { at, values } = openView(LEDGER, ledger);
  let polls = 0;
  let lastMs: number | undefined;
  let silentMs = 0;
  return (nowMs) => {
    const heard = values[at.polls] as number;
    silentMs = heard === polls ? silentMs + Math.min(nowMs - (lastMs ?? nowMs), BEAT_MAX_MS) : 0;
    polls = heard;
    lastMs = nowMs;
    if (silentMs < DEAF_AFTER_MS) return false;
    silentMs = 0;
    return true;
  };
}
