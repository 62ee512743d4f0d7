// Stalls once, when it is told to, with one watcher beside it: argv is its name, for how long, and where Sentry's
// events go to. Tells when the stall begins.
import { peer } from './kit/peers.mjs';

const [name, stallMs, port] = process.argv.slice(2);

async function watch() {
  if (name === 'event-loop-watchdog') {
    const { startWatchdog } = await import('../../dist/index.js');
    const { port: own } = await startWatchdog(0, { log: false, host: '127.0.0.1' }).ready;
    return `http://127.0.0.1:${own}`;
  }
  if (name === 'blocked-at') {
    const { default: blocked } = await import('blocked-at');
    blocked(() => process.send('told'), { threshold: 100 });
    return undefined;
  }
  const [, threshold] = /\((\d+) ms/.exec(name);
  const { init } = await peer('@sentry/node');
  const { eventLoopBlockIntegration } = await peer('@sentry/node-native');
  const integrations = [eventLoopBlockIntegration({ threshold: Number(threshold), maxEventsPerHour: 1000 })];
  init({ dsn: `http://key@127.0.0.1:${port}/1`, defaultIntegrations: false, integrations });
  return undefined;
}

function computeReport() {
  const until = performance.now() + Number(stallMs);
  let total = 0;
  for (let row = 1; performance.now() < until; row++) total += Math.sqrt(row);
  return total;
}

const url = await watch();
process.on('message', () => {
  process.send({ startedAt: performance.timeOrigin + performance.now() }, () => {
    setTimeout(computeReport);
  });
});
process.once('disconnect', () => process.exit());
process.send({ url });
