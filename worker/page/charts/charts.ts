import { h, type Section, setText } from '../dom.js';
import type { Points } from '../history.js';
import { createLegendOfCauses } from './cause-legend.js';
import { createGrid } from './grid.js';
import { createMoment } from './moment.js';
import { createRangeControls } from './range.js';

/** What has happened of late, in charts with one cursor. */
export interface Charts extends Section {
  /** @param pools that are watched, of which some may have no points */
  draw(points: Points, pools: number): void;
  /** What is drawn: of which points, since when, in Unix time, and how long a range that is called. */
  readonly shown: { readonly points: Points | undefined; readonly fromMs: number; readonly name: string };
}

/** @param onShown called when another range is to be seen */
export function createCharts(onShown: () => void): Charts {
  const moment = createMoment((part) => grid.pointAt(part));
  const causes = createLegendOfCauses();
  const grid = createGrid((pointed) => {
    moment.point(pointed);
    causes.point(pointed?.stall);
  });
  const others = h('p', { class: 'muted', hidden: true });
  let latest: Points | undefined;
  /** As they were when the charts were stopped: the latest lose what is older than 15 minutes. */
  let stopped: Points | undefined;
  const points = (): Points | undefined => stopped ?? latest;
  const endMs = (): number => points()?.at.at(-1) ?? 0;

  function changed(): void {
    redraw();
    onShown();
  }
  const range = createRangeControls({
    onRange: changed,
    onPause(paused) {
      stopped = paused ? structuredClone(latest) : undefined;
      changed();
    },
  });

  function redraw(): void {
    const drawn = points();
    if (!drawn) return;
    const start = performance.now();
    const [fromMs, toMs] = [endMs() - range.rangeMs, endMs()];
    grid.draw(drawn, fromMs, toMs);
    causes.show(drawn.stalls.filter((stall) => (stall.toMs ?? toMs) >= fromMs && stall.fromMs <= toMs));
    moment.end(toMs, stopped !== undefined);
    measureFrom(start);
  }

  return {
    element: h(
      'section',
      { id: 'charts', class: 'history', tabindex: -1, 'aria-labelledby': 'charts-title' },
      h(
        'header',
        { class: 'row' },
        h('h2', { id: 'charts-title' }, 'History'),
        range.element,
        moment.element,
        causes.element,
      ),
      grid.element,
      others,
    ),
    get shown() {
      return { points: points(), fromMs: endMs() - range.rangeMs, name: range.name };
    },
    draw(next, pools) {
      latest = next;
      const drawn = next.pools.length;
      others.hidden = pools <= drawn;
      setText(others, `${pools} pools are watched. The first ${drawn} have charts.`);
      redraw();
    },
  };
}

const DRAWING = 'charts';

/** For the browser's tools: how long it took. The charts draw in microtasks, which come before this one. */
function measureFrom(start: number): void {
  queueMicrotask(() => {
    performance.clearMeasures(DRAWING);
    performance.measure(DRAWING, { start });
  });
}
