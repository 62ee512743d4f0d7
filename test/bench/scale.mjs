// What pools of 8 threads, watched threads, past stalls and more scrapers at once add to a scrape in each format, as
// a scraper sees it, to main's turns, and to the process' memory. Budget: a scrape of a thousand series in 10 ms (p99)
// whatever the format, 400 ns a turn.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { Agent, get } from 'node:http';
import { fileURLToPath } from 'node:url';
import { keep, printTable, quantile } from './kit/results.mjs';

/** V8 compiles what is hot meanwhile, on threads that take the CPU from others. */
const WARM_UP = 100;
const SCRAPES = 500;
const EVERY_MS = 20;
const FORMATS = {
  text: 'text/plain; version=0.0.4',
  OpenMetrics: 'application/openmetrics-text; version=1.0.0',
  protobuf: 'application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited',
};
const LOADS = {
  alone: { pools: 0, threads: 0, stalls: 0, scrapers: 1 },
  'a hundred stalls': { pools: 0, threads: 0, stalls: 100, scrapers: 1 },
  '10 pools, 4 threads': { pools: 10, threads: 4, stalls: 0, scrapers: 1 },
  '8 scrapers at once': { pools: 10, threads: 4, stalls: 0, scrapers: 8 },
  '10 pools, 16 threads': { pools: 10, threads: 16, stalls: 0, scrapers: 1 },
};
const THOUSAND = '10 pools, 4 threads';
const agent = new Agent({ keepAlive: true });

/** As Prometheus does it: on a connection that it keeps. Milliseconds, and bytes as they come. */
async function scrape(url, headers) {
  const from = performance.now();
  const [response] = await once(get(url, { agent, headers }), 'response');
  let bytes = 0;
  for await (const chunk of response) bytes += chunk.length;
  if (response.statusCode !== 200 || bytes === 0) throw new Error(`${url} answers ${response.statusCode}`);
  return { ms: performance.now() - from, bytes };
}

/** Many of them, and other formats in turn, so that a slow minute of the machine hits all alike. */
async function scrapes(url, scrapers) {
  const kinds = Object.entries(FORMATS).flatMap(([format, accept]) =>
    ['gzip', 'identity'].map((encoding) => ({
      format,
      encoding,
      headers: { Accept: accept, 'Accept-Encoding': encoding },
      all: [],
      bytes: 0,
    })),
  );
  for (let i = 0; i < WARM_UP + SCRAPES; i++) {
    for (const kind of kinds) {
      const once = () => scrape(`${url}/metrics`, kind.headers);
      const answers = await Promise.all(Array.from({ length: scrapers }, once));
      kind.all.push(Math.max(...answers.map(({ ms }) => ms)));
      kind.bytes = answers[0].bytes;
    }
    await new Promise((resolve) => setTimeout(resolve, EVERY_MS));
  }
  return kinds.map(({ format, encoding, all, bytes }) => {
    const times = all.slice(WARM_UP);
    return { format, encoding, p50Ms: quantile(times, 0.5), p99Ms: quantile(times, 0.99), bytes };
  });
}

async function run(name, { pools, threads, stalls, scrapers }) {
  const child = fork(
    fileURLToPath(new URL('scale.child.mjs', import.meta.url)),
    [pools, threads, stalls].map(String),
  );
  const [{ url, series }] = await once(child, 'message');
  const kinds = await scrapes(url, scrapers);
  child.send('turn');
  const [{ turnNs, rssMib }] = await once(child, 'message');
  child.kill();
  await once(child, 'exit');
  return { name, series, turnNs, rssMib, kinds };
}

const figures = [];
for (const [name, load] of Object.entries(LOADS)) figures.push(await run(name, load));
agent.destroy();
printTable(
  `A scrape of a process with pools of 8 threads and watched threads; of several at once the slowest (Node ${process.version})`,
  ['', 'series', 'turn ns', 'RSS MiB', 'format', 'encoding', 'p50 ms', 'p99 ms', 'bytes'],
  figures.flatMap(({ name, series, turnNs, rssMib, kinds }) =>
    kinds.map(({ format, encoding, p50Ms, p99Ms, bytes }, n) => [
      ...(n === 0 ? [name, series, turnNs.toFixed(0), rssMib.toFixed(0)] : ['', '', '', '']),
      format,
      encoding,
      p50Ms.toFixed(1),
      p99Ms.toFixed(1),
      bytes,
    ]),
  ),
);
keep('scale', figures);
const of = (wanted) => figures.find(({ name }) => name === wanted);
const added = figures.at(-1).turnNs - of('alone').turnNs;
const worst = Math.max(...of(THOUSAND).kinds.map(({ p99Ms }) => p99Ms));
console.log(
  `  budget: p99 10 ms (${THOUSAND}): ${worst <= 10 ? 'kept' : 'EXCEEDED'}; turns 400 ns more: ` +
    `${added <= 400 ? 'kept' : 'EXCEEDED'}`,
);
