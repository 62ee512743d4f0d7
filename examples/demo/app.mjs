// The demo's app: serves its own /metrics the usual way, feeds a pool, and freezes when run.mjs tells it to. The
// watchdog is in the lines that name it.
import { once } from 'node:events';
import { createServer } from 'node:http';
import { startWatchdog } from 'event-loop-watchdog';
import { Piscina } from 'piscina';
import { collectDefaultMetrics, register } from 'prom-client';
import { FREEZES } from './freezes.mjs';

const HOST = '127.0.0.1';

// Whoever started this is gone: so is the point of it.
process.on('disconnect', () => process.exit());

const watchdog = await startWatchdogNear(9464);
const filename = new URL('tasks/thumbnail.mjs', import.meta.url).href;
const pool = new Piscina({ filename, minThreads: 2, maxThreads: 2 });
watchdog.watchPool(pool, 'thumbnails');
watchdog.on('stall', (stall) => tell({ type: 'stall', stall }));

collectDefaultMetrics();
const server = await listenNear(
  createServer(async (_request, response) => {
    response.setHeader('Content-Type', register.contentType);
    response.end(await register.metrics());
  }),
  3000,
);

process.on('message', ({ name }) => freezeOnCommand(FREEZES.find((one) => one.name === name)));
tell({
  type: 'ready',
  appUrl: `http://${HOST}:${server.address().port}/metrics`,
  sidecarUrl: `${(await watchdog.ready).url}/metrics`,
  freezes: FREEZES.map(({ name, how }) => ({ name, how })),
});

async function freezeOnCommand({ name, prepare, freeze }) {
  const prepared = await prepare?.(pool);
  // Out before the loop stops; it is told when once more after, by the clock of the freeze itself.
  await new Promise((resolve) => tell({ type: 'freezing', name }, resolve));
  const startedAt = Date.now();
  freeze(prepared);
  tell({ type: 'thawed', startedAt, endedAt: Date.now() });
}

/** With a callback of its own a failed message is no uncaught error: the other side may go at any time. */
function tell(message, done = () => {}) {
  process.send?.(message, done);
}

/** On the port, or on any other if that one is taken. */
async function startWatchdogNear(port) {
  const first = startWatchdog(port, { host: HOST });
  try {
    await first.ready;
    return first;
  } catch {
    await first.close();
    return startWatchdog(0, { host: HOST });
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
