// The demo's app: serves its own /metrics the usual way, feeds a pool, and is frozen by requests that run.mjs has it
// make. The watchdog is in the lines that name it.
import { AsyncLocalStorage } from 'node:async_hooks';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { startWatchdog } from 'event-loop-watchdog';
import { Piscina } from 'piscina';
import { collectDefaultMetrics, register } from 'prom-client';
import { FREEZES } from './freezes.mjs';

const HOST = '127.0.0.1';
/** What the code that runs is running for, as many apps have it. */
const requests = new AsyncLocalStorage();
/** What the next freeze needs. */
let prepared;

// Whoever started this is gone: so is the point of it.
process.on('disconnect', () => process.exit());

const watchdog = await startWatchdogNear(9464);
const filename = new URL('tasks/thumbnail.mjs', import.meta.url).href;
const pool = new Piscina({ filename, minThreads: 2, maxThreads: 2 });
watchdog.watchPool(pool, 'thumbnails');
watchdog.on('stall', (stall) => tell({ type: 'stall', stall }));

collectDefaultMetrics();
const server = await listenNear(
  createServer((request, response) => {
    const { method, url } = request;
    requests.run(`${method} ${url}`, () => answer(url, response));
  }),
  3000,
);
const appUrl = `http://${HOST}:${server.address().port}`;

process.on('message', ({ name }) => freezeOnCommand(FREEZES.find((one) => one.name === name)));
tell({
  type: 'ready',
  appUrl: `${appUrl}/metrics`,
  sidecarUrl: `${(await watchdog.ready).url}/metrics`,
  freezes: FREEZES.map(({ name, how }) => ({ name, how })),
});

async function freezeOnCommand({ name, path, prepare }) {
  prepared = await prepare?.(pool);
  // Out before the loop stops; it is told when once more after, by the clock of the freeze itself.
  await new Promise((resolve) => tell({ type: 'freezing', name }, resolve));
  await fetch(`${appUrl}${path}`);
}

async function answer(url, response) {
  const freezing = FREEZES.find(({ path }) => path === url);
  if (freezing) {
    const startedAt = Date.now();
    freezing.freeze(prepared);
    tell({ type: 'thawed', startedAt, endedAt: Date.now() });
    response.end();
    return;
  }
  response.setHeader('Content-Type', register.contentType);
  response.end(await register.metrics());
}

/** With a callback of its own a failed message is no uncaught error: the other side may go at any time. */
function tell(message, done = () => {}) {
  process.send?.(message, done);
}

/** On the port, or on any other if that one is taken. */
async function startWatchdogNear(port) {
  const options = { host: HOST, context: () => requests.getStore() };
  const first = startWatchdog(port, options);
  try {
    await first.ready;
    return first;
  } catch {
    await first.close();
    return startWatchdog(0, options);
  }
}

async function listenNear(server, port) {
  try {
    await once(server.listen(port, HOST), 'listening');
  } catch {
    await once(server.listen(0, HOST), 'listening');
  }
  return server;
}
