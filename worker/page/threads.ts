import type { DumpedThread, ThreadDump } from '../../src/shared/thread-dump.js';
import {
  type Group,
  groupSystemThreads,
  groupThreads,
  isSilent,
  systemInWords,
  whatOf,
  whoOf,
} from '../dump/groups.js';
import { textOfDump } from '../dump/text.js';
import { actButton, copyButton, createReport } from './act.js';
import type { Api } from './api.js';
import { h, type Section } from './dom.js';
import { stackOf } from './stalls/frames.js';
import { momentOf } from './stalls/words.js';

/** A dump takes two seconds, on a busy machine more. */
const DUMP_WITHIN_MS = 15_000;

/** What each thread of the process does, when somebody asks. */
export function createThreads(api: Api): Section {
  const report = createReport();
  const shown = h('div');
  let text = '';
  const copy = copyButton('Copy as text', report, () => text);
  copy.hidden = true;
  const dump = actButton('Dump threads', report, async () => {
    report.say('Asking all threads: it takes two seconds.');
    const taken = await api.post<ThreadDump>('/debug/threads', DUMP_WITHIN_MS);
    report.say(`${taken.threads.length} threads run JavaScript, at ${momentOf(taken.takenAt, new Date())}.`);
    shown.replaceChildren(...dumpOf(taken));
    text = textOfDump(taken);
    copy.hidden = false;
  });
  const element = h(
    'section',
    { class: 'card threads', 'aria-labelledby': 'threads' },
    h('h2', { id: 'threads' }, 'Threads'),
    h('div', { class: 'acts' }, dump, copy, report.element),
    shown,
  );
  return { element };
}

function dumpOf({ threads, systemThreads, incomplete }: ThreadDump): HTMLElement[] {
  const groups = groupThreads(threads).map((group, i) => threadsOf(group, i === 0));
  if (incomplete !== undefined) groups.unshift(h('p', { class: 'failure' }, incomplete));
  if (systemThreads.length === 0) return groups;
  const others = groupSystemThreads(systemThreads).map((group) => h('li', {}, systemInWords(group)));
  const summary = h('summary', {}, `${systemThreads.length} more of the system’s`);
  return [...groups, h('details', {}, summary, h('ul', { class: 'list' }, ...others))];
}

/** @param open main's is what one wants to see */
function threadsOf(group: Group<DumpedThread>, open: boolean): HTMLElement {
  const [first] = group;
  const who = [h('b', {}, whoOf(group)), ' ', whatOf(group), isSilent(first) ? ' (no answer)' : ''];
  if (first.frames.length === 0) return h('p', { class: 'thread' }, ...who);
  return h('details', { open, class: 'thread' }, h('summary', {}, ...who), stackOf(first.frames));
}
