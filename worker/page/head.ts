import type { Stall } from '../../src/shared/stall.js';
import type { LoopStatus, StallBand, Status } from '../../src/shared/status.js';
import { h, type Section, seen, setText } from './dom.js';
import { clock, duration } from './format.js';
import { showIcon } from './icon.js';
import { CAUSE_WORDS, requestName, STATE_WORDS, shortPath } from './words.js';

/** The state of main's loop: what there is to know in the first second. */
export interface Head extends Section {
  update(status: Status): void;
  /** When it was last blocked. */
  stalls(bands: readonly StallBand[] | undefined): void;
}

export function createHead(): Head {
  const word = h('span', { class: 'word' });
  const length = h('span', { class: 'length' });
  const list = h('dl', { class: 'facts' });
  // Heard once a state, and not with each new figure.
  const told = h('p', { class: 'unseen', 'aria-live': 'polite' });
  const element = h(
    'section',
    { class: 'card head', 'aria-label': 'State of the event loop' },
    h('h1', { class: 'state' }, h('span', { class: 'mark', 'aria-hidden': 'true' }), word, ' ', length),
    list,
    h('p', { class: 'note' }, 'Seen by a thread of its own, which does not depend on the loop.'),
    told,
  );
  let toldOf: string | undefined;
  let latest: Status | undefined;
  /** Before they are told of nobody knows. */
  let bands: readonly StallBand[] | undefined;

  function showFacts(): void {
    const main = latest?.loops[0];
    if (!latest || !main) return;
    const facts =
      main.stall && main.state === 'blocked' ? factsOf(main.stall) : calmFacts(latest, main, bands);
    replaceFacts(list, facts);
  }

  return {
    element,
    update(status) {
      const main = status.loops[0];
      if (!main) return;
      element.dataset.state = main.state;
      setText(word, STATE_WORDS[main.state]);
      const long = lengthOf(main, status);
      setText(length, long);
      latest = status;
      showFacts();
      // A busy loop is late now and then: nobody wants to hear that each second.
      const news = main.state === 'late' ? toldOf : `${main.state} ${main.stall?.id}`;
      if (news !== toldOf) setText(told, status.sentence);
      toldOf = news;
      showIcon(main.state);
      document.title = seen(`${STATE_WORDS[main.state]} ${long} · ${status.process.app}`);
    },
    stalls(next) {
      bands = next;
      showFacts();
    },
  };
}

/** How long it has been so, where that matters. */
function lengthOf({ state, stall, lagMs }: LoopStatus, { at, process }: Status): string {
  if (state === 'starting') return `for ${duration(Date.parse(at) - Date.parse(process.startedAt))}`;
  if (state === 'blocked') return `for ${duration(stall?.durationMs ?? lagMs)}`;
  if (state === 'late') return `by ${duration(lagMs)}`;
  return '';
}

/** What it is, how it is called, and what it is in full. */
type Fact = readonly [name: string, value: string, more?: string, code?: boolean];

function factsOf(stall: Stall): Fact[] {
  const { cause, culprit, requests, state, syscall } = stall;
  const request = requests?.[0];
  const name = request && requestName(request);
  const call = syscall === undefined ? '' : `, in ${syscall}`;
  const facts: Fact[] = [
    ['Cause', cause, `${CAUSE_WORDS[cause]}${call || (state === 'D' ? ', on a disk' : '')}`],
  ];
  if (culprit) {
    const place = `${shortPath(culprit.file)}:${culprit.line}`;
    facts.push(['Culprit', culprit.function, place, true]);
  } else facts.push(['Culprit', 'not known yet']);
  if (name !== undefined) facts.push(['Request', name, '', true]);
  if (request?.traceId !== undefined) facts.push(['Trace', request.traceId, '', true]);
  return facts;
}

function calmFacts(
  { settings: { stallThreshold } }: Status,
  { state, stalls }: LoopStatus,
  bands: readonly StallBand[] | undefined,
): Fact[] {
  if (state === 'starting') return [['Event loop', 'has not turned yet']];
  const latest = bands?.findLast(({ toMs }) => toMs !== undefined);
  const none: Fact = bands ? ['Last stall', 'none', 'in the last 15 minutes'] : ['Last stall', '–'];
  const last: Fact = latest
    ? ['Last stall', clock(latest.fromMs), `${duration((latest.toMs ?? 0) - latest.fromMs)}, ${latest.cause}`]
    : none;
  return [
    last,
    ['Since the start', stalls === 1 ? '1 stall' : `${stalls} stalls`, `of ${stallThreshold} ms or more`],
  ];
}

/** Made anew only if another is to be read: a selection stays. */
function replaceFacts(list: HTMLElement, facts: readonly Fact[]): void {
  const key = JSON.stringify(facts);
  if (list.dataset.shown === key) return;
  list.dataset.shown = key;
  list.replaceChildren(
    ...facts.map(([name, value, more, code]) =>
      h(
        'div',
        {},
        h('dt', {}, name),
        h('dd', {}, h(code ? 'code' : 'strong', {}, value), more ? h('span', {}, ` ${more}`) : undefined),
      ),
    ),
  );
}
