// How long a scrape takes of a process that keeps every CPU busy with 16 threads: the sidecar's port and the
// app's own, served by the main thread with prom-client. Budget: 99 of 100 scrapes of the sidecar within 250
// ms.
import { fork } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { keep, quantile } from './kit/results.mjs';

const THREADS = 16;
const TURN_MS = 20;
const SCRAPES = 300;
const BUDGET_MS = 250;

const child = fork(
  fileURLToPath(new URL('busy-host.child.mjs', import.meta.url)),
  [THREADS, TURN_MS].map(String),
);
const urls = await new Promise((resolve) => child.once('message', resolve));
await sleep(1000);

/** @type {Record<string, number[]>} */
const times = { sidecar: [], app: [] };
for (let n = 0; n < SCRAPES; n++) {
  for (const [who, url] of Object.entries(urls)) {
    const from = performance.now();
    await (await fetch(url)).text();
    times[who].push(performance.now() - from);
    await sleep(10);
  }
}
child.kill('SIGKILL');

console.log(
  `Scrapes of a process with ${THREADS} threads that spin and turns of ${TURN_MS} ms (Node ` +
    `${process.version})`,
);
for (const [who, all] of Object.entries(times)) {
  const [p50, p99] = [0.5, 0.99].map((q) => quantile(all, q).toFixed(1).padStart(7));
  console.log(`  ${who.padEnd(8)} p50 ${p50} ms   p99 ${p99} ms   ${all.length} scrapes`);
}
keep(
  'busy-host',
  Object.entries(times).map(([name, all]) => ({
    name,
    p50Ms: quantile(all, 0.5),
    p99Ms: quantile(all, 0.99),
  })),
);
const [sidecar, app] = [quantile(times.sidecar, 0.99), quantile(times.app, 0.99)];
console.log(
  `  sidecar : app at p99 = ${(sidecar / app).toFixed(2)}; budget ${BUDGET_MS} ms: ` +
    `${sidecar <= BUDGET_MS ? 'kept' : 'EXCEEDED'}`,
);
