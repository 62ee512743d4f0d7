import { LOOP_LEDGER, LOOP_STATS, RING, RING_SIZE } from '../../src/shared/layout.js';
import type { SidecarData } from '../../src/shared/protocol.js';
import { openReader } from '../../src/shared/regions.js';
import { openLedger } from '../counters.js';
import type { FinishedBand } from './bands.js';

/**
 * Main's stalls that were told by the sidecars before this one, oldest first: the loop's ring still says when
 * they were. Why they were died with who has told them. To be called before this one counts any.
 */
export function earlierBands({ loop, watchdogId }: Pick<SidecarData, 'loop' | 'watchdogId'>): FinishedBand[] {
  const ledger = openLedger(LOOP_LEDGER, loop.ledger);
  const { stalls } = openReader(LOOP_STATS, loop.stats)();
  const { turn, startMs, durationMs } = openReader(RING, loop.ring)();
  // The wall clock as it was at the latest, which the metrics have, too.
  const offsetMs = ledger.get('lastStallWallMs') - ledger.get('lastStallMs');
  const until = ledger.get('stallsCounted');
  const from = Math.max(0, stalls - RING_SIZE);
  return Array.from({ length: Math.max(0, until - from) }, (_, i) => {
    const slot = (from + i) % RING_SIZE;
    const fromMs = Math.round((startMs[slot] as number) + offsetMs);
    const toMs = Math.round(fromMs + (durationMs[slot] as number));
    return { id: `${process.pid}-${watchdogId}-${turn[slot]}`, cause: 'unknown', fromMs, toMs };
  });
}
