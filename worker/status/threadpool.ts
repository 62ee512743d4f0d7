import type { ProcessLedger } from '../counters.js';

/** How long the latest probe waited for a thread of libuv's pool, or waits by now; `undefined` before the first. */
export function probeDelayMs(nowMs: number, ledger: ProcessLedger): number | undefined {
  const sentMs = ledger.get('probeSentMs');
  const pendingMs = sentMs > 0 ? nowMs - sentMs : 0;
  if (ledger.get('probeCount') > 0) return Math.max(pendingMs, ledger.get('probeLastMs'));
  return pendingMs > 0 ? pendingMs : undefined;
}
