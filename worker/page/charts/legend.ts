import { h, type Section, setText } from '../dom.js';
import type { Points } from '../history.js';
import type { Line, Plan } from './plans.js';

/** The lines of a chart and their figures, which are what the chart says to who cannot see it. */
export interface Legend extends Section {
  /** @param at index of the point to tell */
  show(points: Points, at: number): void;
}

export function createLegend({ lines, measure }: Plan): Legend {
  const entries = lines.map((line) => {
    const value = h('span', { class: 'figure' }, '–');
    value.style.setProperty('--width', `${measure.width}ch`);
    return { line, value, element: entryOf(line, value) };
  });
  return {
    element: h('ul', { class: 'legend' }, ...entries.map(({ element }) => element)),
    show(points, at) {
      for (const { line, value, element } of entries) {
        const values = line.of(points) ?? [];
        const now = values[at];
        setText(value, now == null ? '–' : measure.format(now));
        // What is never known here, such as a quota where there is none.
        element.hidden = line.maybe === true && values.every((one) => one === null);
      }
    },
  };
}

function entryOf({ name, colour, look }: Line, value: HTMLElement): HTMLElement {
  const swatch = h('span', { class: `swatch ${look}`, 'aria-hidden': 'true' });
  swatch.style.setProperty('--colour', `var(${colour})`);
  return h('li', {}, swatch, name, ' ', value);
}
