import type { LoopState } from '../../src/shared/status.js';

/** As the marks of the head: told apart by shape, in colours that are seen on light and dark tabs. */
const ICONS: Readonly<Record<LoopState, readonly [colour: string, path: string]>> = {
  starting: ['#8a95a1', 'M8 2a6 6 0 1 0 .01 0zm0 3a3 3 0 1 1-.01 0z'],
  turning: ['#27a567', 'M8 2a6 6 0 1 0 .01 0z'],
  late: ['#e09a1a', 'M8 2l7 12H1z'],
  blocked: ['#e0453c', 'M5 1h6l4 4v6l-4 4H5l-4-4V5z'],
  paused: ['#8672e0', 'M3 2h4v12H3zM9 2h4v12H9z'],
};

/** The state on the browser's tab. */
export function showIcon(state: LoopState): void {
  const [colour, path] = ICONS[state];
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><path fill="${colour}" d="${path}"/></svg>`;
  const href = `data:image/svg+xml,${encodeURIComponent(svg)}`;
  const link = document.querySelector('link[rel=icon]');
  if (link?.getAttribute('href') !== href) link?.setAttribute('href', href);
}
