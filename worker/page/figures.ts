import { fullness } from '../../src/shared/figures.js';
import type { LoopStatus, PoolStatus, Status } from '../../src/shared/status.js';
import { h, type Section, setText } from './dom.js';
import { bytes, count, duration, share } from './format.js';
import type { Points } from './history.js';
import { STATE_WORDS } from './words.js';

/** The figures to look at first. */
export interface Figures extends Section {
  status(status: Status): void;
  /** @param fromMs since when, and how that range is called */
  points(points: Points, fromMs: number, range: string): void;
}

/** Of what may fill up. From `high` on it is marked. */
interface Figure {
  readonly element: HTMLElement;
  set(value: string, note: string, part?: number, high?: boolean): void;
}

export function createFigures(): Figures {
  const lag = createFigure('Lag now');
  const delay = createFigure('Delay p99');
  const use = createFigure('Utilisation');
  const pools = createFigure('Fullest pool');
  const heap = createFigure('Heap');
  const memory = createFigure('Resident memory');
  const all = [lag, delay, use, pools, heap, memory];
  const others = h('ul', { class: 'loops', hidden: true, 'aria-label': 'Event loops of other threads' });
  const element = h(
    'section',
    { class: 'figures', 'aria-label': 'Key figures' },
    h('dl', {}, ...all.map((figure) => figure.element)),
    others,
  );
  return {
    element,
    status({ loops, pools: watched, process }) {
      const [main, ...rest] = loops;
      if (main) showLoop(main);
      showPools(watched);
      memory.set(process.residentBytes === undefined ? '–' : bytes(process.residentBytes), 'of the process');
      showOthers(others, rest);
    },
    points({ at, series }, fromMs, range) {
      const from = at.findIndex((moment) => moment >= fromMs);
      const values = from < 0 ? [] : (series.delayP99Ms ?? []).slice(from).filter((value) => value !== null);
      // Of seconds, not of the range: percentiles do not add up.
      delay.set(values.length > 0 ? duration(Math.max(...values)) : '–', `worst second in ${range}`);
    },
  };

  function showLoop({ state, lagMs, lagMaxMs, utilization, heap: ofV8 }: LoopStatus): void {
    if (state === 'starting') lag.set('–', 'no turn yet');
    else lag.set(duration(lagMs), `${duration(lagMaxMs)} at most in 60 s`);
    if (utilization === undefined) use.set('–', 'not known');
    else use.set(share(utilization), 'of the last second', utilization, utilization >= 0.9);
    if (!ofV8) heap.set('–', 'not known');
    else {
      const part = ofV8.usedBytes / ofV8.limitBytes;
      heap.set(share(part), `${bytes(ofV8.usedBytes)} of ${bytes(ofV8.limitBytes)}`, part, part >= 0.85);
    }
  }

  function showPools(watched: readonly PoolStatus[]): void {
    const [fullest] = [...watched].sort((one, other) => fullness(other) - fullness(one));
    if (!fullest) {
      pools.set('–', 'none is watched');
      return;
    }
    const { name, active, capacity, queued = 0 } = fullest;
    const note = queued > 0 ? `${count(queued)} queued, ${name}` : name;
    const limit = capacity === undefined ? '' : ` / ${count(capacity)}`;
    const part = active === undefined || !capacity ? undefined : active / capacity;
    pools.set(`${active ?? '–'}${limit}`, note, part, queued > 0);
  }
}

function createFigure(name: string): Figure {
  const value = h('dd', { class: 'value' }, '–');
  const note = h('dd', { class: 'muted' }, '');
  const meter = h('span', { class: 'meter', 'aria-hidden': 'true', hidden: true });
  const element = h(
    'div',
    { class: 'card' },
    h('dt', {}, name),
    value,
    note,
    h('dd', { class: 'bar' }, meter),
  );
  return {
    element,
    set(text, more, part, high = false) {
      setText(value, text);
      setText(note, more);
      note.title = more;
      meter.hidden = part === undefined;
      meter.style.setProperty('--part', String(Math.min(part ?? 0, 1)));
      element.classList.toggle('high', high);
    },
  };
}

function showOthers(list: HTMLElement, loops: readonly LoopStatus[]): void {
  list.hidden = loops.length === 0;
  while (list.children.length > loops.length) list.lastChild?.remove();
  for (const [index, loop] of loops.entries()) {
    const item = (list.children[index] ?? list.appendChild(createLoop())) as HTMLElement;
    const [, name, state] = item.children;
    item.dataset.state = loop.state;
    if (name) setText(name, loop.thread);
    const lag = loop.state === 'starting' ? '' : `, lag ${duration(loop.lagMs)}`;
    if (state) setText(state, `${STATE_WORDS[loop.state].toLowerCase()}${lag}`);
  }
}

function createLoop(): HTMLElement {
  return h(
    'li',
    {},
    h('span', { class: 'mark', 'aria-hidden': 'true' }),
    h('strong'),
    h('span', { class: 'muted' }),
  );
}
