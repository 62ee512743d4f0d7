import { h, setText } from '../dom.js';

const MINUTES = [1, 5, 15];
const FIRST = 5;

export interface RangeControls {
  readonly element: HTMLElement;
  readonly rangeMs: number;
  readonly name: string;
}

/** How much of the past is to be seen, and whether it goes on. */
export function createRangeControls(heard: {
  onRange(): void;
  onPause(paused: boolean): void;
}): RangeControls {
  let minutes = FIRST;
  let paused = false;
  const radios = MINUTES.flatMap((choice) => {
    const id = `range-${choice}`;
    const radio = h('input', { type: 'radio', name: 'range', id, checked: choice === FIRST });
    radio.addEventListener('change', () => {
      minutes = choice;
      heard.onRange();
    });
    return [radio, h('label', { for: id }, `${choice} min`)];
  });
  const pause = h('button', { type: 'button', class: 'pause', 'aria-pressed': 'false' }, 'Pause');
  pause.addEventListener('click', () => {
    paused = !paused;
    pause.setAttribute('aria-pressed', String(paused));
    setText(pause, paused ? 'Go live' : 'Pause');
    heard.onPause(paused);
  });
  return {
    element: h(
      'div',
      { class: 'row controls' },
      h(
        'fieldset',
        { class: 'segments' },
        h('legend', { class: 'unseen' }, 'Range of the charts'),
        ...radios,
      ),
      pause,
    ),
    get rangeMs() {
      return minutes * 60_000;
    },
    get name() {
      return `${minutes} min`;
    },
  };
}
