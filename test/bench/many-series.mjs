// What pools of 8 threads and watched threads add to a scrape in each format, as a scraper sees it, and to main's
// turns. Budget: a scrape of a thousand series in 10 ms (p99) whatever the format, 400 ns a turn.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { Agent, get } from 'node:http';
import { fileURLToPath } from 'node:url';

/** V8 compiles what is hot meanwhile, on threads that take the CPU from others. */
const WARM_UP = 100;
const SCRAPES = 500;
const EVERY_MS = 20;
const FORMATS = {
  text: 'text/plain; version=0.0.4',
  OpenMetrics: 'application/openmetrics-text; version=1.0.0',
  protobuf: 'application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited',
};
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
async function scrapes(url) {
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
      const { ms, bytes } = await scrape(`${url}/metrics`, kind.headers);
      kind.all.push(ms);
      kind.bytes = bytes;
    }
    await new Promise((resolve) => setTimeout(resolve, EVERY_MS));
  }
  return kinds.map(({ format, encoding, all, bytes }) => {
    const times = all.slice(WARM_UP).sort((a, b) => a - b);
    const of = (q) => times[Math.floor(times.length * q)];
    return { format, encoding, p50: of(0.5), p99: of(0.99), bytes };
  });
}

async function run(pools, threads) {
  const child = fork(fileURLToPath(new URL('many-series.child.mjs', import.meta.url)), [pools, threads]);
  const [{ url, series }] = await once(child, 'message');
  const kinds = await scrapes(url);
  child.send('turn');
  const [{ turnNs }] = await once(child, 'message');
  child.kill();
  await once(child, 'exit');
  return { kinds, turnNs, series };
}

const results = { alone: await run(0, 0), some: await run(10, 4), many: await run(10, 16) };
const { alone, some, many } = results;
agent.destroy();
console.log(`None, 10 pools and 4 threads, 10 pools and 16 threads (Node ${process.version})`);
for (const [name, { kinds, turnNs, series }] of Object.entries(results)) {
  console.log(
    `  ${name.padEnd(6)} ${String(series).padStart(5)} series   a turn of main ${turnNs.toFixed(0)} ns`,
  );
  for (const { format, encoding, p50, p99, bytes } of kinds) {
    console.log(
      `    ${format.padEnd(12)} ${encoding.padEnd(9)} p50 ${p50.toFixed(1).padStart(4)} ms   p99 ` +
        `${p99.toFixed(1).padStart(4)} ms   ${String(bytes).padStart(7)} bytes`,
    );
  }
}
const added = many.turnNs - alone.turnNs;
const worst = Math.max(...some.kinds.map(({ p99 }) => p99));
console.log(
  `  budget: p99 10 ms (some): ${worst <= 10 ? 'kept' : 'EXCEEDED'}; turns 400 ns more (many): ` +
    `${added <= 400 ? 'kept' : 'EXCEEDED'}`,
);
