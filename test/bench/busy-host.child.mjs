// A process that keeps every CPU busy with many threads, its main thread being one of them. Serves metrics in
// both ways.
import { createServer } from 'node:http';
import { Worker } from 'node:worker_threads';
import prom from 'prom-client';
import { startWatchdog } from '../../dist/index.js';

const [threads, breakMs] = process.argv.slice(2).map(Number);
const spin = 'for (;;) Math.sqrt(2);';
for (let i = 0; i < threads; i++) new Worker(spin, { eval: true });

prom.collectDefaultMetrics();
const server = createServer(async (_request, response) => response.end(await prom.register.metrics()));
await new Promise((resolve) => server.listen(0, resolve));
const { url } = await startWatchdog(0, { log: false }).ready;
process.send({ sidecar: `${url}/metrics`, app: `http://127.0.0.1:${server.address().port}/metrics` });
/** Turns of this length, one upon the other: the app is busy, but not frozen. */
(function busy() {
  const until = performance.now() + breakMs;
  while (performance.now() < until);
  setImmediate(busy);
})();
