import type uPlot from 'uplot';
import type { StallBand } from '../../../src/shared/status.js';
import type { Points } from '../history.js';
import { bandAt } from './bands.js';

/** A moment that is pointed at, and the stall that it is in. */
export interface Pointed {
  /** Of the point. */
  readonly index: number;
  readonly unixMs: number;
  readonly stall: StallBand | undefined;
}

export function pointedIn(chart: uPlot, points: Points | undefined): Pointed | undefined {
  const { idx: index, left = -1 } = chart.cursor;
  const unixMs = points?.at[index ?? -1];
  if (left < 0 || !points || index == null || unixMs === undefined) return undefined;
  return { index, unixMs, stall: bandAt(chart, points.stalls, left) };
}
