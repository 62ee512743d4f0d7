import type { Status } from '../../src/shared/status.js';
import { h, setText } from './dom.js';
import { clock, duration } from './format.js';

/** Whose page it is, and whether it is still told anything. */
export interface Connection {
  /** The bar at the top. */
  readonly bar: HTMLElement;
  /** Says that nobody answers. */
  readonly banner: HTMLElement;
  heard(status: Status): void;
  /** What there is to draw does not come, or comes again. */
  lacking(reason: string | undefined): void;
  silent(sinceMs: number | undefined, reason: string | undefined): void;
  refused(): void;
}

/** @param page is marked while what it shows is old */
export function createConnection(page: HTMLElement): Connection {
  const app = h('strong');
  const about = h('span', { class: 'muted' });
  const link = h('span', { class: 'link' }, 'Asking…');
  const lost = h('strong');
  const why = h('span');
  const banner = h('div', { class: 'banner', role: 'status' }, lost, ' ', why);

  function mark(link: 'live' | 'lost' | 'refused', text: string, element: HTMLElement): void {
    page.dataset.link = link;
    setText(element, text);
  }
  function warn(what: string, more: string): void {
    setText(lost, what);
    setText(why, more);
  }
  return {
    bar: h(
      'header',
      { class: 'bar' },
      h('a', { class: 'skip', href: '#charts' }, 'Skip to the charts'),
      h('p', {}, app, ' ', about),
      link,
    ),
    banner,
    heard({ at, process }) {
      if (page.dataset.link !== 'live') warn('', '');
      mark('live', 'Live', link);
      page.dataset.heard = '';
      const { app: name, pid, nodeVersion, watchdogVersion, startedAt, sidecarRestarts } = process;
      setText(app, name);
      const restarts = sidecarRestarts > 0 ? ` · sidecar restarted ${sidecarRestarts} ×` : '';
      // By the server's clock, which may not be this browser's.
      const age = duration(Date.parse(at) - Date.parse(startedAt));
      setText(
        about,
        `pid ${pid} · up ${age} · Node.js ${nodeVersion} · watchdog ${watchdogVersion}${restarts}`,
      );
    },
    lacking(reason) {
      if (reason === undefined) warn('', '');
      else warn('The history does not come.', `The charts are old. It is asked for each second. (${reason})`);
    },
    silent(sinceMs, reason) {
      mark('lost', 'No answer', link);
      const since = sinceMs === undefined ? 'The sidecar does not answer.' : notSince(sinceMs);
      const old = sinceMs === undefined ? [] : ['The figures are from then.'];
      const told = reason === undefined ? [] : [`It says: ${reason}`];
      warn(since, [...old, 'It is asked again every two seconds.', ...told].join(' '));
    },
    refused() {
      mark('refused', 'Not let in', link);
      warn('', '');
    },
  };
}

const notSince = (unixMs: number): string => `The sidecar has not answered since ${clock(unixMs)}.`;
