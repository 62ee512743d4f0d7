// What 10 pools of 8 threads and 16 watched threads add to a scrape, as a scraper sees it, and to main's
// turns. Budget: a scrape in 10 ms (p99), 400 ns a turn.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { Agent, get } from 'node:http';
import { fileURLToPath } from 'node:url';

/** V8 compiles what is hot meanwhile, on threads that take the CPU from others. */
const WARM_UP = 100;
const SCRAPES = 500;
const EVERY_MS = 20;
const agent = new Agent({ keepAlive: true });

/** As Prometheus does it: on a connection that it keeps, compressed. Milliseconds. */
async function scrape(url) {
  const from = performance.now();
  const [response] = await once(get(url, { agent, headers: { 'Accept-Encoding': 'gzip' } }), 'response');
  let bytes = 0;
  for await (const chunk of response) bytes += chunk.length;
  if (response.statusCode !== 200 || bytes === 0) throw new Error(`${url} answers ${response.statusCode}`);
  return performance.now() - from;
}

async function run(variant) {
  const child = fork(fileURLToPath(new URL('many-series.child.mjs', import.meta.url)), [variant]);
  const [{ url, series }] = await once(child, 'message');
  const all = [];
  for (let i = 0; i < WARM_UP + SCRAPES; i++) {
    all.push(await scrape(`${url}/metrics`));
    await new Promise((resolve) => setTimeout(resolve, EVERY_MS));
  }
  const times = all.slice(WARM_UP).sort((a, b) => a - b);
  const of = (q) => times[Math.floor(times.length * q)];
  child.send('turn');
  const [{ turnNs }] = await once(child, 'message');
  child.kill();
  await once(child, 'exit');
  return { p50: of(0.5), p99: of(0.99), turnNs, series };
}

const results = { alone: await run('alone'), many: await run('many') };
const { alone, many } = results;
agent.destroy();
console.log(`10 pools of 8 threads and 16 watched threads (Node ${process.version})`);
for (const [name, { p50, p99, turnNs, series }] of Object.entries(results)) {
  console.log(
    `  ${name.padEnd(6)} ${String(series).padStart(5)} series   scrape p50 ${p50.toFixed(1)} ms, p99 ` +
      `${p99.toFixed(1)} ms   ` +
      `a turn of main ${turnNs.toFixed(0)} ns`,
  );
}
const added = many.turnNs - alone.turnNs;
console.log(
  `  budget: p99 10 ms: ${many.p99 <= 10 ? 'kept' : 'EXCEEDED'}; turns 400 ns more: ` +
    `${added <= 400 ? 'kept' : 'EXCEEDED'}`,
);
