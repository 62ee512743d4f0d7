import { RING, RING_SIZE } from '../shared/layout.js';
import { openWriter } from '../shared/regions.js';
import type { StatsWriter } from './open-turn.js';
import type { Pauses } from './pauses.js';

/** A turn that is over. */
type NoteTurn = (turn: number, nowMs: number, idleMs: number, busyMs: number, lateMs: number) => void;

/** Returns a function that writes a turn down if it was a stall; inside of the seqlock of `stats`. */
export function openStallRing(
  { at, values }: StatsWriter,
  memory: SharedArrayBuffer,
  pauses: Pauses,
  thresholdMs: number,
): NoteTurn {
  const ring = openWriter('loop', RING, memory);

  function write(turn: number, startMs: number, durationMs: number): void {
    const count = values[at.stalls] as number;
    const index = count % RING_SIZE;
    ring.values[ring.at.turn + index] = turn;
    ring.values[ring.at.startMs + index] = startMs;
    ring.values[ring.at.durationMs + index] = durationMs;
    // At one stroke: the ring is never closed to readers, who know by the count which of it is whole.
    Atomics.add(ring.sequence, 0, 2);
    values[at.stalledMs] = (values[at.stalledMs] as number) + durationMs;
    // Last: the sidecar reads the ring only up to this count.
    values[at.stalls] = count + 1;
  }

  return (turn, nowMs, idleMs, busyMs, lateMs) => {
    const delayMs = Math.max(busyMs, lateMs);
    if (delayMs < thresholdMs) return;
    pauses.take(nowMs, idleMs);
    const stallMs = Math.max(busyMs - pauses.busyMs, lateMs - pauses.lateMs);
    if (stallMs >= thresholdMs) write(turn, nowMs - delayMs, stallMs);
  };
}
