// What the loop does, by the kernel's accounts: another method than the watchdog's.
import { readFileSync } from 'node:fs';

/** Milliseconds since the epoch. */
export const wall = () => performance.timeOrigin + performance.now();

/** Shorter turns are left out: they make no arrival wait longer than the first bound of the histogram. */
const SHORTEST_MS = 1;

/** For how many milliseconds this thread has run, or waited for a CPU. */
function awakeMs() {
  const [ranNs, waitedNs] = readFileSync(`/proc/self/task/${process.pid}/schedstat`, 'utf8').split(' ');
  return (Number(ranNs) + Number(waitedNs)) / 1e6;
}

/**
 * Begins to record all turns of this loop: when each ended, and for how many milliseconds at most it may have
 * kept an arrival waiting. The thread was awake so long; or, where it slept without being in poll, the loop
 * was held so long.
 */
export function recordTurns() {
  const turns = [];
  let last;
  function mark() {
    const now = { atMs: wall(), awakeMs: awakeMs(), idleMs: performance.nodeTiming.idleTime };
    if (last) {
      const spanMs = now.atMs - last.atMs;
      const heldMs = Math.max(now.awakeMs - last.awakeMs, spanMs - (now.idleMs - last.idleMs));
      if (heldMs > SHORTEST_MS) turns.push({ atMs: now.atMs, heldMs });
    }
    last = now;
    setImmediate(mark).unref();
  }
  setImmediate(mark).unref();
  return turns;
}
