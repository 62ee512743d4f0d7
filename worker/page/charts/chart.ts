import uPlot from 'uplot';
import { h, setText } from '../dom.js';
import { clock, clockShort } from '../format.js';
import type { Points } from '../history.js';
import { drawBands } from './bands.js';
import type { Line, Plan } from './plans.js';
import { colour } from './theme.js';

const HEIGHT_PX = 148;
const AXIS_PX = 56;
const TIME_STEPS_MS = [5, 10, 15, 30, 60, 120, 180, 300, 600].map((seconds) => seconds * 1000);
/** This part of the width has no times. */
const LABELS_FROM = 0.04;
const FONT = '11px system-ui, sans-serif';
const DASHES: Readonly<Partial<Record<Line['look'], number[]>>> = { dashed: [6, 4], dotted: [2, 2] };

export interface Chart {
  readonly element: HTMLElement;
  draw(points: Points, fromMs: number, toMs: number): void;
  /** The same in other colours. */
  redraw(): void;
  resize(): void;
}

/** @param onCursor hears of the moment that is pointed at, `undefined` if none is */
export function createChart(plan: Plan, onCursor: (unixMs: number | undefined) => void): Chart {
  const values = plan.lines.map(() => figureOf(plan));
  const legend = h(
    'ul',
    { class: 'legend' },
    ...plan.lines.map((line, index) => legendOf(line, values[index])),
  );
  const field = h('div', {
    class: 'field',
    role: 'img',
    'aria-label': `Chart of ${plan.title}: its figures follow`,
  });
  const element = h(
    'figure',
    { class: plan.main ? 'card chart wide' : 'card chart' },
    h('figcaption', {}, h('h3', {}, plan.title), h('span', { class: 'muted' }, plan.note)),
    legend,
    field,
  );
  let points: Points | undefined;
  const chart = new uPlot(
    {
      ...optionsOf(plan),
      hooks: {
        drawClear: [(self) => points && drawBands(self, points.stalls, plan.main === true)],
        setCursor: [
          (self) => {
            showFigures();
            const { idx, left } = self.cursor;
            if ((left ?? -1) < 0) onCursor(undefined);
            else if (idx != null) onCursor(points?.at[idx]);
          },
        ],
      },
    },
    [[], ...plan.lines.map(() => [])],
    field,
  );

  /** Those pointed at, or the newest. */
  function showFigures(): void {
    const { idx, left } = chart.cursor;
    const at = (left ?? -1) >= 0 && idx != null ? idx : (points?.at.length ?? 0) - 1;
    for (const [index, line] of plan.lines.entries()) {
      const value = points && line.of(points)?.[at];
      setText(values[index] as HTMLElement, value == null ? '–' : plan.measure.format(value));
    }
  }

  return {
    element,
    draw(latest, fromMs, toMs) {
      points = latest;
      chart.batch(() => {
        chart.setData(
          [latest.at, ...plan.lines.map((line) => drawn(plan, line.of(latest)))] as uPlot.AlignedData,
          false,
        );
        chart.setScale('x', { min: fromMs, max: toMs });
      });
      showFigures();
    },
    redraw: () => chart.redraw(),
    resize() {
      const { clientWidth } = field;
      if (clientWidth > 0 && clientWidth !== chart.width)
        chart.setSize({ width: clientWidth, height: HEIGHT_PX });
    },
  };
}

/** A logarithm has no zero. */
function drawn(
  { measure: { floor } }: Plan,
  values: readonly (number | null)[] = [],
): readonly (number | null)[] {
  if (floor === undefined) return values;
  return values.map((value) => (value === null ? null : Math.max(value, floor)));
}

function optionsOf({ measure, lines }: Plan): uPlot.Options {
  const axis = {
    stroke: () => colour('--muted'),
    grid: { stroke: () => colour('--grid'), width: 1 },
    ticks: { show: false },
    font: FONT,
  };
  const { floor } = measure;
  return {
    width: 320,
    height: HEIGHT_PX,
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
        ...(floor === undefined ? {} : { distr: 3 as const }),
        range: (_self, _min, max) => [floor ?? 0, measure.top(max ?? 0)],
      },
    },
    axes: [
      { ...axis, size: 24, gap: 4, space: 64, incrs: TIME_STEPS_MS, values: timesOf },
      {
        ...axis,
        size: AXIS_PX,
        gap: 6,
        splits: (_self, _axis, _min, max) => measure.lines(max),
        filter: (_self, splits) => splits,
        values: (_self, splits) => splits.map((value) => measure.tick(value)),
      },
    ],
    series: [{}, ...lines.map(seriesOf)],
  };
}

/** Seconds only where they tell ticks apart; none at the left, where the other axis has its figures. */
function timesOf({ scales }: uPlot, splits: number[]): string[] {
  const whole = splits.every((moment) => moment % 60_000 === 0);
  const { min = 0, max = 0 } = scales.x ?? {};
  const from = min + (max - min) * LABELS_FROM;
  return splits.map((moment) => (moment < from ? '' : whole ? clockShort(moment) : clock(moment)));
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

function figureOf({ measure: { width } }: Plan): HTMLElement {
  const figure = h('span', { class: 'figure' }, '–');
  figure.style.setProperty('--width', `${width}ch`);
  return figure;
}

function legendOf({ name, colour: property, look }: Line, value: HTMLElement | undefined): HTMLElement {
  const swatch = h('span', { class: `swatch ${look}`, 'aria-hidden': 'true' });
  swatch.style.setProperty('--colour', `var(${property})`);
  return h('li', {}, swatch, name, ' ', value);
}
