import { h, setText } from '../dom.js';
import { duration, share as percent } from '../format.js';
import { shortPath } from '../words.js';
import { boxesOf, type Call, type CallTree, type CpuProfile, callTreeOf, functionsOf } from './call-tree.js';
import { rowOf, shareOf, tableOf } from './frames.js';

/** Narrower ones cannot be pointed at. */
const LEAST_SHARE = 1 / 500;
/** Of narrower ones there would be a letter to see. */
const NAMED_FROM_PX = 24;
const FUNCTIONS_MAX = 20;
const OWNERS = { app: 'the app’s', dependency: 'dependencies', node: 'Node.js, V8, native' } as const;

const HOW = 'A click, or arrows and Enter, shows one as wide as all; Escape goes back.';

/**
 * Who called whom, from the top down, as wide as it took time. A click or Enter shows one as wide as the whole;
 * arrows go from one to the next.
 * @param idleWords what it means that no code was seen for some time
 */
export function createFlame(profile: CpuProfile, idleWords: string): HTMLElement {
  const tree = callTreeOf(profile);
  const { root, idleMs } = tree;
  const idle = idleMs > 0 ? `, ${idleWords} for ${duration(idleMs)}` : '';
  if (root.ms === 0) return h('p', {}, `No code ran${idle}.`);
  const told = h('p', { class: 'told' });
  const whole = h('button', { type: 'button' }, 'Show all');
  const { element, zoom } = createIcicle(tree, told, (top) => {
    whole.disabled = top === root;
  });
  whole.addEventListener('click', () => zoom(root));
  return h(
    'figure',
    { class: 'flame' },
    h(
      'figcaption',
      {},
      h('span', {}, `In code for ${duration(root.ms)}${idle}. Callers above, as wide as the time.`),
      ...Object.entries(OWNERS).map(([owner, words]) => h('span', { class: `key ${owner}` }, words)),
      whole,
    ),
    element,
    told,
    h('details', {}, h('summary', {}, 'The same as a table'), functionTable(tree)),
  );
}

interface Icicle {
  readonly element: HTMLElement;
  /** Shows it as wide as the whole. */
  zoom(call: Call): void;
}

/**
 * @param told where it is said which one is meant
 * @param onZoom hears which one is as wide as the whole
 */
function createIcicle({ root }: CallTree, told: HTMLElement, onZoom: (top: Call) => void): Icicle {
  const element = h('div', { class: 'icicle', role: 'tree', 'aria-label': 'Calls by time' });
  const calls = new Map<Element, Call>();
  const boxes = new Map<Call, HTMLElement>();
  let top = root;

  function draw(next: Call): void {
    top = next;
    calls.clear();
    boxes.clear();
    const drawn = boxesOf(top, LEAST_SHARE).map(({ call, from, share }) => {
      // Before it is in the page nobody knows how wide it will be.
      const named = share * (element.clientWidth || 1000) >= NAMED_FROM_PX;
      const box = boxOf(call, root, named);
      Object.assign(box.style, {
        left: `${100 * from}%`,
        width: `${100 * share}%`,
        top: `${20 * call.depth}px`,
      });
      calls.set(box, call);
      boxes.set(call, box);
      return box;
    });
    element.replaceChildren(...drawn);
    element.style.height = `${20 * (1 + Math.max(...[...boxes.keys()].map(({ depth }) => depth)))}px`;
    select(top);
    onZoom(top);
  }

  /** The one that Tab leads to. */
  function select(call: Call): void {
    for (const [one, box] of boxes) box.tabIndex = one === call ? 0 : -1;
    setText(told, sentenceOf(call, root));
  }

  function goTo(call: Call | undefined): void {
    const box = call && boxes.get(call);
    box?.focus();
    box?.scrollIntoView({ block: 'nearest', inline: 'nearest' });
  }

  function zoom(call: Call): void {
    draw(call);
    goTo(call);
  }

  const callAt = ({ target }: Event): Call | undefined => calls.get(target as Element);
  element.addEventListener('focusin', (event) => select(callAt(event) ?? top));
  element.addEventListener('pointerover', (event) => setText(told, sentenceOf(callAt(event) ?? top, root)));
  element.addEventListener('click', (event) => {
    const call = callAt(event);
    if (call) zoom(call);
  });
  element.addEventListener('keydown', (event) => {
    const call = callAt(event);
    const act = call && actOf(event.key, call, root);
    if (!act) return;
    event.preventDefault();
    event.stopPropagation();
    if (act.zoom) zoom(act.to);
    else goTo(act.to);
  });
  draw(root);
  return { element, zoom };
}

function boxOf(call: Call, root: Call, named: boolean): HTMLElement {
  const label = call.parent ? call.name : 'all';
  return h(
    'div',
    {
      class: call.parent ? call.owner : 'all',
      role: 'treeitem',
      'aria-level': call.depth + 1,
      'aria-label': sentenceOf(call, root),
    },
    named ? label : undefined,
  );
}

function sentenceOf(call: Call, root: Call): string {
  if (!call.parent) return `All: ${duration(call.ms)}. ${HOW}`;
  const place = call.file === '' ? '' : ` ${shortPath(call.file)}:${call.line}`;
  const own = call.selfMs > 0 ? `, ${duration(call.selfMs)} of it in itself` : '';
  return `${call.name}${place}: ${duration(call.ms)}, ${percent(call.ms / root.ms)}${own}`;
}

/** What a key does at a call. */
function actOf(
  key: string,
  call: Call,
  root: Call,
): { readonly to: Call; readonly zoom?: boolean } | undefined {
  const beside = (step: number): Call => {
    const siblings = call.parent?.children ?? [call];
    return siblings[siblings.indexOf(call) + step] ?? call;
  };
  switch (key) {
    case 'Enter':
    case ' ':
      return { to: call, zoom: true };
    case 'Escape':
      return { to: root, zoom: true };
    case 'ArrowUp':
      return { to: call.parent ?? call };
    case 'ArrowDown':
      return { to: call.children[0] ?? call };
    case 'ArrowLeft':
      return { to: beside(-1) };
    case 'ArrowRight':
      return { to: beside(1) };
    default:
      return undefined;
  }
}

const COLUMNS = ['Function', 'Place', 'In itself', 'In all'];

function functionTable({ root }: CallTree): HTMLElement {
  const table = tableOf('Functions by time of their own', COLUMNS);
  const rows = functionsOf(root)
    .slice(0, FUNCTIONS_MAX)
    .map(({ call, ms, selfMs }) =>
      rowOf(COLUMNS, [
        call.name,
        call.file === '' ? '' : `${shortPath(call.file)}:${call.line}`,
        shareOf(selfMs / root.ms, `${duration(selfMs)}, ${percent(selfMs / root.ms)}`),
        `${duration(ms)}, ${percent(ms / root.ms)}`,
      ]),
    );
  table.append(h('tbody', {}, ...rows));
  return table;
}
