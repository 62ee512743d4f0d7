import { createActs } from './acts.js';
import { createApi } from './api.js';
import { createCharts } from './charts/charts.js';
import { createConnection } from './connection.js';
import { h } from './dom.js';
import { createFigures } from './figures.js';
import { follow } from './follow.js';
import { createHead } from './head.js';
import { createStalls } from './stalls/stalls.js';
import { createThreads } from './threads.js';
import { createTokenForm, FOLDER, storedToken } from './token.js';

const page = document.body;
const api = createApi(location.origin + FOLDER, storedToken);
const connection = createConnection(page);
const token = createTokenForm(api, () => following.resume());
const head = createHead();
const figures = createFigures();
const charts = createCharts(showFigures);
const stalls = createStalls(api);
let pools = 0;

function showFigures(): void {
  const { points, fromMs, name } = charts.shown;
  if (points) figures.points(points, fromMs, name);
}

const following = follow(
  api,
  {
    another() {
      head.stalls(undefined);
      stalls.clear();
    },
    status(status) {
      connection.heard(status);
      head.update(status);
      figures.status(status);
      pools = status.pools.length;
      stalls.update(status);
    },
    points(points) {
      connection.lacking(undefined);
      head.stalls(points.stalls);
      charts.draw(points, pools);
      showFigures();
    },
    lacking: connection.lacking,
    silent: connection.silent,
    refused() {
      connection.refused();
      token.show();
    },
  },
  {
    now: Date.now,
    later(callback, ms) {
      const timer = setTimeout(callback, ms);
      return () => clearTimeout(timer);
    },
  },
);

// In the place of what the sidecar wrote there for who has no JavaScript.
document.getElementById('essentials')?.remove();
page.prepend(
  connection.bar,
  connection.banner,
  h(
    'main',
    {},
    token.element,
    h('div', { class: 'top' }, head.element, createActs(api).element),
    figures.element,
    charts.element,
    stalls.element,
    createThreads(api).element,
  ),
);
document.addEventListener('visibilitychange', () =>
  document.hidden ? following.pause() : following.resume(),
);
if (!document.hidden) following.resume();
