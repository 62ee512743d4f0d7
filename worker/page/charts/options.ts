import type uPlot from 'uplot';
import { clock, clockShort } from '../format.js';
import type { Line, Plan } from './plans.js';
import { colour } from './theme.js';

const TIME_STEPS_MS = [5, 10, 15, 30, 60, 120, 180, 300, 600].map((seconds) => seconds * 1000);
/** A shorter range has seconds in its times. */
const SECONDS_UNDER_MS = 120_000;
/** A time that is so near to the edge would be cut off, or run into the figures of the other axis. */
const EDGE_REM = 1.5;
const DASHES: Readonly<Partial<Record<Line['look'], number[]>>> = { dashed: [6, 4], dotted: [2, 2] };

/** What uPlot needs to know. */
export function optionsOf({ measure, lines }: Plan): Omit<uPlot.Options, 'width' | 'height'> {
  // All in the size of the text, which may be larger on a wall.
  const rem = Number.parseFloat(getComputedStyle(document.documentElement).fontSize);
  const axis = {
    stroke: () => colour('--muted'),
    grid: { stroke: () => colour('--grid'), width: 1 },
    ticks: { show: false },
    font: `${0.8 * rem}px system-ui, sans-serif`,
  };
  const { floor } = measure;
  return {
    ms: 1,
    padding: [8, 10, 0, 0],
    legend: { show: false },
    cursor: {
      y: false,
      drag: { x: false, y: false, setScale: false },
      points: { size: 6 },
      sync: { key: 'moment', setSeries: false },
    },
    scales: {
      x: { time: true },
      y: {
        ...(floor !== undefined && { distr: 3 }),
        range: (_self, _min, max) => [floor ?? 0, measure.top(max ?? 0)],
      },
    },
    axes: [
      {
        ...axis,
        size: 1.7 * rem,
        gap: 4,
        space: (_self, _axis, min, max) => (max - min > SECONDS_UNDER_MS ? 4 : 5.6) * rem,
        incrs: TIME_STEPS_MS,
        values: (self, splits) => timesOf(self, splits, EDGE_REM * rem),
      },
      {
        ...axis,
        size: 4 * rem,
        gap: 6,
        splits: (_self, _axis, _min, max) => measure.lines(max),
        filter: (_self, splits) => splits,
        values: (_self, splits) => splits.map((value) => measure.tick(value)),
      },
    ],
    series: [{}, ...lines.map(seriesOf)],
  };
}

/** Seconds only where they tell ticks apart. */
function timesOf({ scales, width }: uPlot, splits: number[], edgePx: number): string[] {
  const whole = splits.every((moment) => moment % 60_000 === 0);
  const { min = 0, max = 0 } = scales.x ?? {};
  const margin = ((max - min) * edgePx) / width;
  return splits.map((moment) => {
    if (moment < min + margin || moment > max - margin) return '';
    return whole ? clockShort(moment) : clock(moment);
  });
}

function seriesOf({ colour: property, look, bound }: Line): uPlot.Series {
  const dash = DASHES[look];
  return {
    stroke: () => colour(property),
    width: look === 'line' || look === 'area' ? 2 : 1.25,
    ...(dash && { dash }),
    ...(look === 'area' && { fill: () => colour(`${property}-area`) }),
    ...(bound && { auto: false }),
    points: { show: false },
  };
}
