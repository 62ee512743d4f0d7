import type { Cause } from '../../../src/shared/labels.js';
import type { Frame } from '../../../src/shared/stall.js';
import { h } from '../dom.js';
import { share as percent } from '../format.js';
import { CAUSE_WORDS, shortPath } from '../words.js';
import { type Owner, ownerOf, pathOf } from './words.js';

/** Of a stack so many frames are seen at once. */
const FRAMES_SEEN = 10;

/** Innermost first: the app's own stand out, Node.js' own stand back. */
export function stackOf(frames: readonly Frame[]): HTMLElement {
  const stack = h('div', { class: 'stack' }, listOf(frames.slice(0, FRAMES_SEEN)));
  const more = frames.slice(FRAMES_SEEN);
  if (more.length > 0) stack.append(h('details', {}, h('summary', {}, `${more.length} more`), listOf(more)));
  return stack;
}

const listOf = (frames: readonly Frame[]): HTMLElement =>
  h('ol', {}, ...frames.map((frame) => h('li', { class: whoseOf(frame) }, frameOf(frame))));

const whoseOf = ({ internal, file }: Frame): Owner => (internal ? 'node' : ownerOf(file));

/** A function, where it is, and what stands there. */
export function frameOf({ function: name, file, line, column, code }: Frame): HTMLElement {
  return h(
    'span',
    { class: 'frame' },
    h('b', {}, name),
    ' ',
    h('span', { class: 'place' }, `${pathOf(file)}:${line}:${column}`),
    code === undefined ? undefined : h('code', {}, code),
  );
}

/** The same in a table, where there is less room. */
export function placeOf({ function: name, file, line }: Frame): HTMLElement {
  const place = h(
    'span',
    { class: 'place', title: `${pathOf(file)}:${line}` },
    `${shortPath(pathOf(file))}:${line}`,
  );
  return h('span', { class: 'frame' }, h('b', {}, name), ' ', place);
}

/** Colour and word. */
export const causeOf = (cause: Cause): HTMLElement =>
  h('span', { class: `chip cause-${cause}`, title: CAUSE_WORDS[cause] }, cause);

/** A figure with a bar that is as long. */
export function shareOf(share: number, text: string = percent(share)): HTMLElement {
  const bar = h('span', { class: 'share', 'aria-hidden': 'true' }, h('span'));
  (bar.firstElementChild as HTMLElement).style.width = `${100 * Math.min(1, share)}%`;
  return h('span', { class: 'shared' }, bar, text);
}

/** A table with its head; each column's name also stands beside its cells where there is no room for columns. */
export function tableOf(caption: string, columns: readonly string[]): HTMLTableElement {
  return h(
    'table',
    { class: 'sheet' },
    h('caption', {}, caption),
    h('thead', {}, h('tr', {}, ...columns.map((name) => h('th', { scope: 'col' }, name)))),
  );
}

/** A row of it, headed by its first cell. */
export function rowOf(
  columns: readonly string[],
  cells: readonly (Node | string | undefined)[],
): HTMLTableRowElement {
  const [head, ...rest] = cells;
  return h(
    'tr',
    {},
    h('th', { scope: 'row', 'data-name': columns[0] }, head),
    ...rest.map((cell, i) => h('td', { 'data-name': columns[i + 1] }, cell)),
  );
}
