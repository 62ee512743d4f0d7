import type { Stall } from '../../../src/shared/stall.js';
import { requestInWords } from '../../stalls/requests.js';
import { copyButton, createReport, type Report } from '../act.js';
import { type Api, ApiError } from '../api.js';
import { h } from '../dom.js';
import { duration, share as percent } from '../format.js';
import { CAUSE_WORDS } from '../words.js';
import { factsOf, partsOf, sampleInWords, samplesInWords } from './evidence.js';
import { frameOf, shareOf, stackOf } from './frames.js';
import { hashOfStall, type Listed } from './listing.js';
import { profileOf } from './profile.js';

/** All that is known of a stall. */
export interface Detail {
  readonly element: HTMLElement;
  update(listed: Listed): void;
}

export interface DetailOptions {
  readonly api: Api;
  readonly onClose: () => void;
}

export function createDetail(id: string, { api, onClose }: DetailOptions): Detail {
  const report = createReport();
  const close = h('button', { type: 'button' }, 'Close');
  close.addEventListener('click', onClose);
  const link = copyButton('Copy link', report, () => new URL(hashOfStall(id), location.href).href);
  const evidence = h('div', { class: 'evidence' });
  const seen = h('div', { class: 'seen' });
  const profile = h('div', {}, h('p', { class: 'hint' }, 'What was sampled is to be seen when it is over.'));
  const element = h(
    'div',
    { class: 'detail', role: 'group', 'aria-label': 'The stall in detail' },
    h('div', { class: 'acts' }, link, close, report.element),
    evidence,
    seen,
    profile,
  );
  /** What is on show: it is made anew only if there is more to see. */
  let shown = '';

  return {
    element,
    update({ stall, complete }) {
      const now = `${complete} ${stall.durationMs}`;
      if (now === shown) return;
      const wasComplete = shown.startsWith('true');
      shown = now;
      evidence.replaceChildren(...evidenceOf(stall));
      // Nothing is taken away from under who reads it.
      if (complete || !seen.matches(':hover, :focus-within')) showSeen(seen, stall);
      if (complete && !wasComplete) void showProfile(stall, api, profile, report);
    },
  };
}

/** Samples come and go while a stall goes on: what was opened stays open. */
function showSeen(into: HTMLElement, stall: Stall): void {
  const version = `${stall.samples} ${stall.stacks.length}`;
  if (into.dataset.version === version) return;
  into.dataset.version = version;
  const stacks = (): HTMLDetailsElement[] => [...into.querySelectorAll('details')];
  const opened = new Map(stacks().map((one) => [one.textContent, one.open]));
  into.replaceChildren(...seenOf(stall));
  for (const one of stacks()) one.open = opened.get(one.textContent) ?? one.open;
}

async function showProfile({ id, samples }: Stall, api: Api, into: Element, report: Report): Promise<void> {
  into.replaceChildren();
  if (samples === undefined) return;
  try {
    const blob = await api.blob('GET', `/api/stalls/${encodeURIComponent(id)}/profile`);
    const name = `stall-${id}.cpuprofile`;
    const shown = await profileOf(blob, { name, idleWords: 'not looked at', report });
    into.replaceChildren(h('h3', {}, 'What was sampled'), shown);
  } catch (error) {
    // A fact like others.
    if (error instanceof ApiError && error.status === 404)
      into.replaceChildren(h('p', { class: 'hint' }, 'The sidecar does not have its samples, or no longer.'));
    else report.fail(error);
  }
}

function evidenceOf(stall: Stall): HTMLElement[] {
  const parts = partsOf(stall);
  const bar = h('div', { class: 'parts', 'aria-hidden': 'true' });
  for (const { cause, share } of parts) {
    const part = h('span', { class: `cause-${cause}` });
    part.style.width = `${100 * share}%`;
    bar.append(part);
  }
  return [
    h('h3', {}, `What ${duration(stall.durationMs)} went into`),
    bar,
    h(
      'ul',
      { class: 'keys' },
      ...parts.map(({ cause, words, ms, share }) =>
        h('li', { class: `chip cause-${cause}` }, `${words}: ${duration(ms)}, ${percent(share)}`),
      ),
    ),
    factList([['Cause', `${stall.cause}: ${CAUSE_WORDS[stall.cause]}`], ...factsOf(stall)]),
  ];
}

const factList = (facts: readonly (readonly [string, string])[]): HTMLElement =>
  h('dl', {}, ...facts.map(([name, value]) => h('div', {}, h('dt', {}, name), h('dd', {}, value))));

function seenOf({ requests = [], samples, hot = [], stacks }: Stall): HTMLElement[] {
  if (stacks.length === 0)
    return [h('p', { class: 'hint' }, 'Nobody has looked at its stack: it was over too soon.')];
  const where = hot.map(({ frame, share }) => h('li', {}, shareOf(share), frameOf(frame)));
  const whom = requests.map((one) => {
    const part = h('span', { class: 'place' }, samplesInWords(one.samples, samples));
    return h('li', {}, h('span', {}, requestOf(one), ' ', part));
  });
  const looks = stacks.map((sample, i) =>
    sample.frames.length === 0
      ? h('p', {}, sampleInWords(sample))
      : h('details', { open: i === 0 }, h('summary', {}, sampleInWords(sample)), stackOf(sample.frames)),
  );
  return [
    h('div', {}, ...listOf('Where the time went', where), ...listOf('Requests', whom)),
    h('div', {}, h('h3', {}, 'Stacks'), ...looks),
  ];
}

const listOf = (heading: string, items: readonly HTMLElement[]): HTMLElement[] =>
  items.length === 0 ? [] : [h('h3', {}, heading), h('ul', { class: 'list' }, ...items)];

function requestOf(request: NonNullable<Stall['requests']>[number]): string {
  const { spanId, context, name } = request;
  const words = (requestInWords([request]) ?? '').replace(/^request /, '');
  const more = [
    ...(spanId === undefined ? [] : [`span ${spanId}`]),
    // Told already, if there is no name.
    ...(context === undefined || name === undefined ? [] : [JSON.stringify(context)]),
  ];
  return [words, ...more].filter((one) => one !== '').join(', ');
}
