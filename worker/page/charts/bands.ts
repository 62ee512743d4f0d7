import type uPlot from 'uplot';
import type { StallBand } from '../../../src/shared/status.js';
import { duration } from '../format.js';
import { CAUSES, type Cause } from './causes.js';
import { colour } from './theme.js';

const TILE_PX = 8;
const EDGE_PX = 3;
const MARK_PX = 9;
const NEAR_PX = 4;

/** Stalls behind the lines of a chart: told apart by colour, by pattern, and by a mark where they are narrow. */
export function drawBands(chart: uPlot, stalls: readonly StallBand[], marked: boolean): void {
  const { ctx, bbox, scales } = chart;
  const { min = 0, max = 0 } = scales.x ?? {};
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
  ctx.clip();
  for (const { fromMs, toMs = max, cause } of stalls) {
    if (toMs < min || fromMs > max) continue;
    const left = chart.valToPos(fromMs, 'x', true);
    const width = Math.max(chart.valToPos(toMs, 'x', true) - left, 2 * devicePixelRatio);
    drawBand(ctx, bbox, left, width, cause);
    if (marked) drawMark(ctx, left + width / 2, bbox.top + EDGE_PX * devicePixelRatio, cause);
  }
  ctx.restore();
}

/** The stall at this place of the chart's width, in CSS pixels; the narrow ones may be missed a little. */
export function bandAt(chart: uPlot, stalls: readonly StallBand[], left: number): StallBand | undefined {
  return stalls.findLast(({ fromMs, toMs = Number.POSITIVE_INFINITY }) => {
    const from = chart.valToPos(fromMs, 'x') - NEAR_PX;
    return left >= from && left <= Math.max(chart.valToPos(toMs, 'x'), from + NEAR_PX) + NEAR_PX;
  });
}

/** For people. */
export function lengthOf({ fromMs, toMs }: StallBand): string {
  return toMs === undefined ? 'goes on' : duration(toMs - fromMs);
}

function drawBand(
  ctx: CanvasRenderingContext2D,
  bbox: uPlot.BBox,
  left: number,
  width: number,
  cause: Cause,
): void {
  const main = colour(`--cause-${cause}`);
  ctx.globalAlpha = 0.14;
  ctx.fillStyle = main;
  ctx.fillRect(left, bbox.top, width, bbox.height);
  const pattern = patternOf(cause, main);
  if (pattern) {
    ctx.globalAlpha = 0.4;
    ctx.fillStyle = pattern;
    ctx.fillRect(left, bbox.top, width, bbox.height);
  }
  ctx.globalAlpha = 1;
  ctx.fillStyle = main;
  ctx.fillRect(left, bbox.top, width, EDGE_PX * devicePixelRatio);
}

function drawMark(ctx: CanvasRenderingContext2D, x: number, top: number, cause: Cause): void {
  const size = MARK_PX * devicePixelRatio;
  ctx.save();
  ctx.translate(x - size / 2, top + 2 * devicePixelRatio);
  ctx.scale(size / 10, size / 10);
  ctx.fillStyle = colour(`--cause-${cause}`);
  ctx.strokeStyle = colour('--surface');
  ctx.lineWidth = 2;
  const mark = new Path2D(CAUSES[cause].mark);
  ctx.stroke(mark);
  ctx.fill(mark);
  ctx.restore();
}

const patterns = new Map<string, CanvasPattern | null>();

function patternOf(cause: Cause, main: string): CanvasPattern | null {
  const key = `${cause} ${main} ${devicePixelRatio}`;
  const known = patterns.get(key);
  if (known !== undefined) return known;
  const tile = document.createElement('canvas');
  tile.width = TILE_PX * devicePixelRatio;
  tile.height = tile.width;
  const ctx = tile.getContext('2d');
  if (!ctx) return null;
  ctx.scale(devicePixelRatio, devicePixelRatio);
  ctx.strokeStyle = main;
  ctx.lineWidth = 1.5;
  ctx.stroke(new Path2D(CAUSES[cause].pattern));
  const pattern = ctx.createPattern(tile, 'repeat');
  patterns.set(key, pattern);
  return pattern;
}
