import uPlot from 'uplot';
import { h, type Section } from '../dom.js';
import type { Points } from '../history.js';
import { drawBands } from './bands.js';
import { createLegend } from './legend.js';
import { optionsOf } from './options.js';
import type { Plan } from './plans.js';
import { type Pointed, pointedIn } from './pointed.js';

/** The first row of charts is to be seen without scrolling; on a wall they are to be read from afar. */
const HEIGHT_MIN_PX = 148;
const HEIGHT_SHARE = 0.17;

export interface Chart extends Section {
  /** Its figures at once; its lines as soon as it is in sight. */
  draw(points: Points, fromMs: number, toMs: number): void;
  inSight(yes: boolean): void;
  /** The same in other colours. */
  redraw(): void;
  /** As large as there is room. */
  resize(): void;
  remove(): void;
  /** Points at this part of its width, or at nothing. */
  pointAt(part: number | undefined): void;
}

/** @param onCursor hears of what is pointed at */
export function createChart(plan: Plan, onCursor: (pointed: Pointed | undefined) => void): Chart {
  const legend = createLegend(plan);
  const label = `Chart of ${plan.title}, with the figures above`;
  const field = h('div', { class: 'field', role: 'img', 'aria-label': label });
  let shown: { readonly points: Points; readonly fromMs: number; readonly toMs: number } | undefined;
  let visible = false;
  const chart = new uPlot(
    {
      ...optionsOf(plan),
      width: 320,
      height: HEIGHT_MIN_PX,
      hooks: {
        drawClear: [(self) => shown && drawBands(self, shown.points.stalls, plan.main === true)],
        setCursor: [
          () => {
            onCursor(pointedIn(chart, shown?.points));
            showFigures();
          },
        ],
      },
    },
    [[], ...plan.lines.map(() => [])],
    field,
  );
  chart.over.addEventListener('click', () => {
    const id = pointedIn(chart, shown?.points)?.stall?.id;
    // Where it is told: see `stalls/`.
    if (id !== undefined) location.hash = `${new URLSearchParams({ stall: id })}`;
  });

  function drawLines(): void {
    if (!shown) return;
    const { points, fromMs, toMs } = shown;
    const rows = plan.lines.map((line) => drawn(plan, line.of(points)));
    chart.batch(() => {
      chart.setData([points.at, ...rows] as uPlot.AlignedData, false);
      chart.setScale('x', { min: fromMs, max: toMs });
    });
  }

  function showFigures(): void {
    if (!shown) return;
    const { points, toMs } = shown;
    legend.show(
      points,
      pointedIn(chart, points)?.index ?? points.at.findLastIndex((moment) => moment <= toMs),
    );
  }

  return {
    element: h(
      'figure',
      { class: plan.main ? 'card chart wide' : 'card chart' },
      h('figcaption', {}, h('h3', {}, plan.title), h('span', { class: 'muted' }, plan.note)),
      legend.element,
      field,
    ),
    draw(points, fromMs, toMs) {
      shown = { points, fromMs, toMs };
      if (visible) drawLines();
      showFigures();
    },
    inSight(yes) {
      visible = yes;
      if (visible) drawLines();
    },
    pointAt: (part) =>
      chart.setCursor({ left: part === undefined ? -1 : part * chart.over.clientWidth, top: 1 }),
    redraw: () => chart.redraw(),
    remove: () => chart.destroy(),
    resize() {
      const width = field.clientWidth;
      const height = Math.max(HEIGHT_MIN_PX, Math.round(innerHeight * HEIGHT_SHARE));
      if (width > 0 && (width !== chart.width || height !== chart.height)) chart.setSize({ width, height });
    },
  };
}

type Values = readonly (number | null)[];

/** A logarithm has no zero. */
function drawn({ measure: { floor } }: Plan, values: Values = []): Values {
  if (floor === undefined) return values;
  return values.map((value) => (value === null ? null : Math.max(value, floor)));
}
