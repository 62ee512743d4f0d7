import type { Offender, Stall } from '../../../src/shared/stall.js';
import type { Status } from '../../../src/shared/status.js';
import type { Api } from '../api.js';
import { h, type Section, setText } from '../dom.js';
import { tableOf } from './frames.js';
import { createListing, hashOfStall, type Listed, stallOfHash } from './listing.js';
import { createOffenders } from './offenders.js';
import { COLUMNS, createRow, type Row } from './row.js';

const SEEN_FIRST = 10;

export interface Stalls extends Section {
  /** Takes in what is under way, and asks for the rest when there is more. */
  update(status: Status): void;
  /** Forgets all: another process is told of from now on. */
  clear(): void;
}

/** Of a hundred with their stacks there may be megabytes, and a slow way to go. */
const ANSWER_WITHIN_MS = 15_000;

/** The latest stalls, the one under way on top; and who caused most of them. */
export function createStalls(api: Api): Stalls {
  let listing = createListing();
  const offenders = createOffenders();
  const said = h('p', { role: 'status', class: 'said' });
  const rows = createRows(api, said);
  const element = h(
    'section',
    { class: 'card stalls', 'aria-labelledby': 'stalls' },
    h('h2', { id: 'stalls' }, 'Stalls'),
    said,
    rows.element,
    offenders.element,
  );
  /** The latest stall of what was asked for last. */
  let asked: string | undefined | null = null;
  let asking = false;

  async function ask({ latestStall: latest, process }: Status): Promise<void> {
    if (asking || asked === latest) return;
    asking = true;
    const into = listing;
    try {
      const answer = await api.get<{ stalls: readonly Stall[]; offenders: readonly Offender[] }>(
        '/api/stalls',
        ANSWER_WITHIN_MS,
      );
      // Of another process by now.
      if (into !== listing) return;
      asked = latest;
      listing.take(answer.stalls);
      rows.update(listing.all(), true);
      offenders.update(answer.offenders, process.sidecarRestarts > 0);
    } catch {
      // The page says itself when nobody answers. The next update asks again.
      if (asked === null) setText(said, 'The stalls do not come. They are asked for each second.');
    } finally {
      asking = false;
    }
  }

  return {
    element,
    update(status) {
      listing.observe(status.loops);
      rows.since(sinceOf(status));
      rows.update(listing.all(), asked !== null);
      void ask(status);
    },
    clear() {
      listing = createListing();
      asked = null;
    },
  };
}

/** Since when stalls are kept, if not since the first. */
function sinceOf({ loops, process }: Status): string | undefined {
  const some = loops.some(({ stalls }) => stalls > 0);
  return some && process.sidecarRestarts > 0 ? 'since the sidecar was restarted' : undefined;
}

interface Rows {
  readonly element: HTMLElement;
  /** Since when they are kept; `undefined`: since the first. */
  since(words: string | undefined): void;
  /** @param complete whether those that are over have been asked for */
  update(all: readonly Listed[], complete: boolean): void;
}

/** One is open at most: the one that the address is of. */
function createRows(api: Api, said: HTMLElement): Rows {
  const table = tableOf('The latest, newest first', COLUMNS);
  const more = h('button', { type: 'button', hidden: true });
  const element = h('div', { class: 'few' }, table, more);
  const rows = new Map<string, Row>();
  let open = stallOfHash(location.hash);
  /** Came by a link: is to be brought into view once it is there. */
  let wanted = open;
  let known = false;
  let since: string | undefined;

  function toggle(id: string): void {
    const next = open === id ? undefined : id;
    history.pushState(null, '', next === undefined ? location.pathname + location.search : hashOfStall(next));
    show(next);
    const row = next === undefined && rows.get(id);
    if (!row) return;
    // Where it was closed from is gone. Of one that came by a link the row may be among those out of sight.
    if ([...table.tBodies].indexOf(row.element) >= SEEN_FIRST) element.classList.remove('few');
    label();
    row.focus();
  }

  function show(id: string | undefined): void {
    open = id;
    for (const [one, row] of rows) row.show(one === id);
    if (!known) return;
    const lost = id !== undefined && !rows.has(id);
    const none = rows.size === 0 ? `None ${since ?? 'so far'}.` : '';
    const among = `the latest hundred ${since ?? 'of this process'}`;
    setText(said, lost ? `The stall ${id} is not among ${among}.` : none);
  }

  function bringIntoView(): void {
    const row = wanted === undefined ? undefined : rows.get(wanted);
    if (!row) return;
    wanted = undefined;
    row.element.scrollIntoView({ block: 'start' });
    row.focus();
  }

  function label(): void {
    more.hidden = rows.size <= SEEN_FIRST;
    const few = element.classList.contains('few');
    setText(more, few ? `Show all ${rows.size}` : `Show the latest ${SEEN_FIRST}`);
  }

  more.addEventListener('click', () => {
    element.classList.toggle('few');
    label();
  });
  addEventListener('popstate', () => {
    wanted = stallOfHash(location.hash);
    // An address of something else on the page closes nothing.
    if (wanted === undefined && location.hash !== '') return;
    show(wanted);
    bringIntoView();
  });

  return {
    element,
    since(words) {
      since = words;
    },
    update(all, complete) {
      known = complete;
      const ids = new Set(all.map(({ stall }) => stall.id));
      // One that is being read stays, though it is not kept any more.
      for (const [id, row] of rows) if (!ids.has(id) && id !== open) remove(rows, id, row);
      placeRows(table, rows, all, (one) => createRow(one, { api, onToggle: () => toggle(one.stall.id) }));
      table.hidden = rows.size === 0;
      label();
      show(open);
      bringIntoView();
    },
  };
}

function remove(rows: Map<string, Row>, id: string, row: Row): void {
  rows.delete(id);
  row.element.remove();
}

/** Those that are there stay where they are: to move one would take its focus away. */
function placeRows(
  table: HTMLTableElement,
  rows: Map<string, Row>,
  all: readonly Listed[],
  create: (listed: Listed) => Row,
): void {
  let next = table.tBodies[0] ?? null;
  for (const listed of all) {
    const { id } = listed.stall;
    const row = rows.get(id) ?? create(listed);
    rows.set(id, row);
    row.update(listed);
    if (row.element === next) next = next.nextElementSibling as HTMLTableSectionElement | null;
    else table.insertBefore(row.element, next);
  }
}
