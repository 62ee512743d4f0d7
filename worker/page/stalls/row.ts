import { requestInWords } from '../../stalls/requests.js';
import type { Api } from '../api.js';
import { h, setText } from '../dom.js';
import { duration } from '../format.js';
import { createDetail, type Detail } from './detail.js';
import { causeOf, placeOf, rowOf } from './frames.js';
import type { Listed } from './listing.js';
import { momentOf } from './words.js';

export const COLUMNS: readonly string[] = ['Start', 'Length', 'Cause', 'Culprit', 'Request'];

/** A stall in the table, and what is under it when it is open. */
export interface Row {
  readonly element: HTMLTableSectionElement;
  update(listed: Listed): void;
  /** @param open whether its detail is there */
  show(open: boolean): void;
  focus(): void;
}

export interface RowOptions {
  readonly api: Api;
  /** Somebody wants to have it opened, or closed. */
  readonly onToggle: () => void;
}

export function createRow(first: Listed, { api, onToggle }: RowOptions): Row {
  const { id, startedAt } = first.stall;
  const start = h('time', { datetime: startedAt, title: startedAt }, momentOf(startedAt, new Date()));
  const toggle = h('button', { type: 'button', class: 'toggle', 'aria-expanded': 'false' }, start);
  const cells = { length: h('span'), cause: h('span'), culprit: h('span'), request: h('span') };
  const row = rowOf(COLUMNS, [toggle, cells.length, cells.cause, cells.culprit, cells.request]);
  const element = h('tbody', { class: 'stall' }, row);
  let detail: { readonly detail: Detail; readonly row: HTMLElement } | undefined;
  let listed = first;
  row.addEventListener('click', (event) => {
    // Who marks a text to copy it does not want to open anything.
    const marked = getSelection()?.isCollapsed === false && !toggle.contains(event.target as Node);
    if (!marked) onToggle();
  });

  const self: Row = {
    element,
    update(next) {
      listed = next;
      const { stall, live } = next;
      element.classList.toggle('live', live);
      setText(cells.length, live ? `${duration(stall.durationMs)} so far` : duration(stall.durationMs));
      if (cells.cause.textContent !== stall.cause) cells.cause.replaceChildren(causeOf(stall.cause));
      fillCulprit(cells.culprit, next);
      setText(cells.request, (requestInWords(stall.requests) ?? '').replace(/^request /, ''));
      detail?.detail.update(next);
    },
    show(open) {
      toggle.setAttribute('aria-expanded', String(open));
      element.classList.toggle('open', open);
      if (open && !detail) {
        const made = createDetail(id, { api, onClose: onToggle });
        detail = {
          detail: made,
          row: h('tr', { class: 'under' }, h('td', { colspan: COLUMNS.length }, made.element)),
        };
        element.append(detail.row);
        made.update(listed);
      } else if (!open && detail) {
        detail.row.remove();
        detail = undefined;
      }
    },
    focus: () => toggle.focus(),
  };
  self.update(first);
  return self;
}

function fillCulprit(cell: HTMLElement, { stall, live }: Listed): void {
  const { culprit, thread, samples, syscall } = stall;
  const where = culprit ? `${culprit.function} ${culprit.file}:${culprit.line}` : (syscall ?? '');
  const key = `${where} ${live && !samples}`;
  if (cell.dataset.key === key) return;
  cell.dataset.key = key;
  const of = thread === 'main' ? undefined : h('span', { class: 'place' }, ` in thread ${thread}`);
  const unknown = live ? 'not looked at yet' : `unknown${syscall ? `, in ${syscall}` : ''}`;
  cell.replaceChildren(
    culprit ? placeOf(culprit) : h('span', { class: 'place' }, unknown),
    ...(of ? [of] : []),
  );
}
