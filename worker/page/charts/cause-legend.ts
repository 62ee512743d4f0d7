import type { StallBand } from '../../../src/shared/status.js';
import { h, type Section } from '../dom.js';
import { CAUSES, type Cause } from './causes.js';
import { colour, onThemeChange } from './theme.js';

const SWATCH_PX = 12;

/** What the bands in sight mean. */
export interface CauseLegend extends Section {
  show(stalls: readonly StallBand[]): void;
}

export function createLegendOfCauses(): CauseLegend {
  const element = h('ul', { class: 'legend causes', 'aria-label': 'Stalls in the charts, by cause' });
  let counts: readonly (readonly [Cause, number])[] = [];

  function draw(): void {
    element.replaceChildren(
      ...counts.map(([cause, count]) =>
        h('li', {}, swatchOf(cause), `${cause} `, h('span', { class: 'figure' }, `${count} ×`)),
      ),
    );
  }
  onThemeChange(draw);
  return {
    element,
    show(stalls) {
      const sums = new Map<Cause, number>();
      for (const { cause } of stalls) sums.set(cause, (sums.get(cause) ?? 0) + 1);
      const latest = [...sums];
      const same = JSON.stringify(latest) === JSON.stringify(counts);
      counts = latest;
      if (!same) draw();
    },
  };
}

/** The mark as it is in the chart. */
function swatchOf(cause: Cause): HTMLElement {
  const canvas = h('canvas', { class: 'mark-of-cause', 'aria-hidden': 'true' });
  canvas.width = SWATCH_PX * devicePixelRatio;
  canvas.height = canvas.width;
  const ctx = canvas.getContext('2d');
  if (ctx) {
    ctx.scale(canvas.width / 10, canvas.height / 10);
    ctx.fillStyle = colour(`--cause-${cause}`);
    ctx.fill(new Path2D(CAUSES[cause].mark));
  }
  return canvas;
}
