// Four processes of one app on one port, each with a watchdog of its own; the second freezes for five seconds
// now and then. Run it:
//
//   node examples/cluster.mjs
//
// Then ask any of them for all, and each for its metrics: curl localhost:9464/sd
import cluster from 'node:cluster';
import { createServer } from 'node:http';
import { startWatchdog } from 'event-loop-watchdog';

const PROCESSES = 4;

if (cluster.isPrimary) {
  for (let i = 0; i < PROCESSES; i++) cluster.fork();
} else {
  const watchdog = startWatchdog(Number(process.env.WATCHDOG_PORT ?? 9464), { perProcess: true });
  createServer((_, response) => response.end('ok\n')).listen(process.env.PORT ?? 3000);
  const { url } = await watchdog.ready;
  console.log(`metrics: ${url}/metrics`);
  if (cluster.worker.id === 2) setInterval(freeze, 10_000);
  if (cluster.worker.id === 2) freeze();
}

function freeze() {
  for (const until = Date.now() + 5000; Date.now() < until; );
}
