import type { LOOP_STATS } from '../shared/layout.js';
import type { RegionWriter } from '../shared/regions.js';

/** The loop's hold on its numbers. */
export type StatsWriter = RegionWriter<(typeof LOOP_STATS)['fields']>;

/** The turn in progress, on the shared clock. */
export interface OpenTurn {
  /** When it began: the mark before it. */
  markMs: number;
  /** libuv's total time in poll then. */
  idleMs: number;
  /** When the pacer is due, and the turn to be over. */
  dueMs: number;
}
