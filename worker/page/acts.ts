import type { StackSample } from '../../src/shared/stall.js';
import { requestInWords, requestsOf } from '../stalls/requests.js';
import { actButton, createReport } from './act.js';
import type { Api } from './api.js';
import { h, type Section } from './dom.js';
import { duration } from './format.js';
import { stackOf } from './stalls/frames.js';
import { profileOf } from './stalls/profile.js';
import { momentOf } from './stalls/words.js';

/** As long as the sidecar waits for a thread to answer, and to be found; and the way. */
const ANSWER_WITHIN_MS = 12_000;
const PROFILE_S = 5;
const TICK_MS = 100;

type Seen = Pick<StackSample, 'frames' | 'nativeMs' | 'request'>;

/** What one may do to a process to see more of it: its main thread is asked. */
export function createActs(api: Api): Section {
  const report = createReport();
  const progress = h('progress', { max: PROFILE_S, 'aria-label': 'Profile under way', hidden: true });
  const shown = h('div', { class: 'shown' });
  /** The sidecar does one at a time. */
  const busy = { under: false };
  const stack = actButton(
    'Stack now',
    report,
    async () => {
      report.say('Asking main.');
      const seen = await api.post<Seen>('/debug/stack', ANSWER_WITHIN_MS);
      report.say(`Main at ${momentOf(new Date().toISOString(), new Date())}: ${seenInWords(seen)}`);
      shown.replaceChildren(...(seen.frames.length > 0 ? [stackOf(seen.frames)] : []));
    },
    busy,
  );
  const profile = actButton(
    `CPU profile ${PROFILE_S} s`,
    report,
    async () => {
      report.say(`Sampling main for ${PROFILE_S} s.`);
      const path = `/debug/cpu-profile?seconds=${PROFILE_S}`;
      const taken = api.blob('POST', path, 1000 * PROFILE_S + ANSWER_WITHIN_MS);
      const blob = await whileShown(progress, taken);
      const at = new Date().toISOString();
      const name = `main-${at.replace(/\D/g, '-')}.cpuprofile`;
      shown.replaceChildren(await profileOf(blob, { name, idleWords: 'idle', report }));
      report.say(`Main for ${PROFILE_S} s until ${momentOf(at, new Date())}.`);
    },
    busy,
  );
  const element = h(
    'section',
    { class: 'card look', 'aria-labelledby': 'acts' },
    h('h2', { id: 'acts' }, 'Look now'),
    h('div', { class: 'acts' }, stack, profile, progress, report.element),
    shown,
  );
  return { element };
}

function seenInWords({ frames, nativeMs, request }: Seen): string {
  const [innermost] = frames;
  const where = innermost ? `in ${innermost.function}` : 'idle, no JavaScript runs';
  const native = nativeMs === undefined ? '' : `, after ${duration(nativeMs)} in native code`;
  const which = requestInWords(requestsOf(request ? [{ request }] : []));
  return `${where}${native}${which === undefined ? '' : `, ${which}`}.`;
}

/** The bar goes on by the clock: nothing is told before the end. When the time is over it shows just that. */
async function whileShown<T>(progress: HTMLProgressElement, work: Promise<T>): Promise<T> {
  const from = performance.now();
  progress.hidden = false;
  progress.value = 0;
  const timer = setInterval(() => {
    const seconds = (performance.now() - from) / 1000;
    if (seconds < PROFILE_S) progress.value = seconds;
    else progress.removeAttribute('value');
  }, TICK_MS);
  try {
    return await work;
  } finally {
    clearInterval(timer);
    progress.hidden = true;
  }
}
