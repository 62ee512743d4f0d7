// What an HTTP server loses to each watcher: requests a second, and the 99th percentile of the response time, at 1
// and 50 connections, asked by a process of its own. No budget: what a turn costs has one (`turn-cost`), and a
// machine of two cores is too noisy for the rest of it.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { installPeers, peer } from './kit/peers.mjs';
import { keep, printTable, quantile } from './kit/results.mjs';
import { BARE, median, NOTHING, VARIANTS } from './kit/variants.mjs';

const ROUNDS = 5;
const SECONDS = 2;
const CONNECTIONS = [1, 50];
const UNDER_PRESSURE = '@fastify/under-pressure';
/** By what it is compared with: that one lives in Fastify only. */
const NAMES = Object.fromEntries(
  Object.keys(VARIANTS)
    .filter((name) => name !== BARE && name !== UNDER_PRESSURE)
    .map((name) => [name, NOTHING]),
);
Object.assign(NAMES, { 'Fastify, nothing': 'Fastify, nothing', [UNDER_PRESSURE]: 'Fastify, nothing' });

const CHILD = fileURLToPath(new URL('http-cost.child.mjs', import.meta.url));

installPeers();
const { default: autocannon } = await peer('autocannon');

/** Its own summary knows whole milliseconds only. */
async function fire(url, connections) {
  const times = [];
  const run = autocannon({ url, connections, duration: SECONDS });
  run.on('response', (_client, _status, _bytes, ms) => times.push(ms));
  const { errors, non2xx } = await run;
  if (errors + non2xx > 0) throw new Error(`${errors} errors, ${non2xx} refusals`);
  return { perSecond: times.length / SECONDS, p99Ms: quantile(times, 0.99) };
}

async function measure(name) {
  const child = fork(CHILD, [name]);
  const [{ url }] = await once(child, 'message');
  await fire(url, 10);
  const results = {};
  for (const connections of CONNECTIONS) results[connections] = await fire(url, connections);
  child.kill('SIGKILL');
  await once(child, 'exit');
  return results;
}

const runs = Object.fromEntries(Object.keys(NAMES).map((name) => [name, []]));
for (let round = 0; round < ROUNDS; round++) {
  // Interleaved, and compared within its round, so that a slow minute of the machine hits all alike.
  for (const name of Object.keys(NAMES)) runs[name].push(await measure(name));
}
const figures = Object.entries(NAMES).flatMap(([name, base]) =>
  CONNECTIONS.map((connections) => {
    const of = (key) => median(runs[name].map((round) => round[connections][key]));
    const ratio = (key) =>
      median(runs[name].map((round, i) => round[connections][key] / runs[base][i][connections][key]));
    return {
      name,
      connections,
      perSecond: of('perSecond'),
      throughputRatio: ratio('perSecond'),
      p99Ms: of('p99Ms'),
      p99Ratio: ratio('p99Ms'),
    };
  }),
);
printTable(
  `An HTTP server (median of ${ROUNDS} interleaved rounds of ${SECONDS} s, Node ${process.version})`,
  ['', 'connections', 'requests/s', 'of nothing', 'p99 ms', 'of nothing'],
  figures.map((row) => [
    row.name,
    row.connections,
    row.perSecond.toFixed(0),
    row.throughputRatio.toFixed(2),
    row.p99Ms.toFixed(2),
    row.p99Ratio.toFixed(2),
  ]),
);
keep('http-cost', figures);
