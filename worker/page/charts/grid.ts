import { h, type Section } from '../dom.js';
import type { Points } from '../history.js';
import { type Chart, createChart } from './chart.js';
import { PLANS, type Plan, planOfPool } from './plans.js';
import type { Pointed } from './pointed.js';
import { onThemeChange } from './theme.js';

/** Of the height of what is seen. */
const SOON_IN_SIGHT = '50% 0px';
/** Pools have their charts after those of the loop. */
const POOLS_AFTER = 2;

/** All charts; those of pools as they become known. */
export interface Grid extends Section {
  draw(points: Points, fromMs: number, toMs: number): void;
  pointAt(part: number | undefined): void;
}

/** @param onCursor hears of what is pointed at */
export function createGrid(onCursor: (pointed: Pointed | undefined) => void): Grid {
  const byElement = new Map<Element, Chart>();
  const all = () => byElement.values();
  // There may be sixteen pools: what nobody sees is not drawn.
  const sight = new IntersectionObserver(
    (entries) => {
      for (const { target, isIntersecting } of entries) byElement.get(target)?.inSight(isIntersecting);
    },
    { rootMargin: SOON_IN_SIGHT },
  );
  function add(plan: Plan): Chart {
    const chart = createChart(plan, onCursor);
    byElement.set(chart.element, chart);
    sight.observe(chart.element);
    return chart;
  }
  const charts = PLANS.map(add);
  const pools = new Map<string, Chart>();
  const element = h('div', { class: 'charts' }, ...charts.map((chart) => chart.element));

  new ResizeObserver(() => {
    for (const chart of all()) chart.resize();
  }).observe(element);
  onThemeChange(() => {
    for (const chart of all()) chart.redraw();
  });

  function addPool(name: string): void {
    if (pools.has(name)) return;
    const chart = add(planOfPool(name));
    pools.set(name, chart);
    element.insertBefore(chart.element, charts[POOLS_AFTER]?.element ?? null);
    chart.resize();
  }

  function removePool(name: string, chart: Chart): void {
    pools.delete(name);
    sight.unobserve(chart.element);
    byElement.delete(chart.element);
    chart.element.remove();
    chart.remove();
  }

  return {
    element,
    pointAt(part) {
      for (const chart of all()) chart.pointAt(part);
    },
    draw(points, fromMs, toMs) {
      for (const { name } of points.pools) addPool(name);
      for (const [name, chart] of pools)
        if (!points.pools.some((pool) => pool.name === name)) removePool(name, chart);
      for (const chart of all()) chart.draw(points, fromMs, toMs);
    },
  };
}
