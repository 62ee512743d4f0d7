import { h, type Section, setText } from '../dom.js';
import { clock } from '../format.js';
import { lengthOf } from './bands.js';
import type { Pointed } from './pointed.js';

const STEPS = 200;

/** The moment that the figures of the charts are of: pointed at, chosen by keys or by a finger, or the newest. */
export interface Moment extends Section {
  point(pointed: Pointed | undefined): void;
  /** Of what is drawn. */
  end(unixMs: number, paused: boolean): void;
}

/** @param onChosen hears of a part of the charts' width; `undefined`: the newest */
export function createMoment(onChosen: (part: number | undefined) => void): Moment {
  const slider = h('input', {
    type: 'range',
    min: 0,
    max: STEPS,
    value: STEPS,
    'aria-label': 'Moment of the figures',
  });
  const words = h('span');
  let pointed: Pointed | undefined;
  let newest = '';

  slider.addEventListener('input', () => {
    const part = slider.valueAsNumber / STEPS;
    onChosen(part === 1 ? undefined : part);
  });

  function show(): void {
    setText(words, pointed ? `at ${clock(pointed.unixMs)}` : newest);
    // The newest goes on by itself, which is not to be heard each second.
    slider.setAttribute(
      'aria-valuetext',
      pointed ? `${clock(pointed.unixMs)}${stallInWords(pointed)}` : 'now',
    );
  }
  return {
    element: h('div', { class: 'moment' }, slider, words),
    point(latest) {
      pointed = latest;
      if (!latest) slider.valueAsNumber = STEPS;
      show();
    },
    end(unixMs, paused) {
      newest = `${paused ? 'paused' : 'now'}, ${clock(unixMs)}`;
      show();
    },
  };
}

function stallInWords({ stall }: Pointed): string {
  return stall ? `, stall: ${stall.cause}, ${lengthOf(stall)}` : '';
}
