import type { StallBand } from '../../../src/shared/status.js';
import { h, type Section } from '../dom.js';
import { lengthOf } from './bands.js';
import { CAUSES, type Cause } from './causes.js';
import { colour, onThemeChange } from './theme.js';

const SWATCH_PX = 12;

/** What the bands in sight mean, or the one that is pointed at. */
export interface CauseLegend extends Section {
  show(stalls: readonly StallBand[]): void;
  point(stall: StallBand | undefined): void;
}

export function createLegendOfCauses(): CauseLegend {
  const element = h('ul', { class: 'legend causes', 'aria-label': 'Stalls in the charts, by cause' });
  let counts: readonly (readonly [Cause, number])[] = [];
  let pointed: StallBand | undefined;
  let drawn = '';

  function draw(): void {
    const entries: Entry[] = pointed
      ? [[pointed.cause, lengthOf(pointed)]]
      : counts.map(([cause, count]) => [cause, `${count} ×`]);
    const key = JSON.stringify(entries);
    if (key !== drawn) element.replaceChildren(...entries.map(entryOf));
    drawn = key;
  }
  onThemeChange(() => {
    drawn = '';
    draw();
  });
  return {
    element,
    show(stalls) {
      const sums = new Map<Cause, number>();
      for (const { cause } of stalls) sums.set(cause, (sums.get(cause) ?? 0) + 1);
      counts = [...sums];
      draw();
    },
    point(stall) {
      pointed = stall;
      draw();
    },
  };
}

type Entry = readonly [cause: Cause, figure: string];

function entryOf([cause, figure]: Entry): HTMLElement {
  return h('li', {}, swatchOf(cause), `${cause} `, h('span', { class: 'figure' }, figure));
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
