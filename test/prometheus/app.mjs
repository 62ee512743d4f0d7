// A shop with its own metrics on its own port and a watchdog on another. On `begin` it falls ill in the way
// of argv[2]. argv[3]: a directory of its own; argv[4]: a seed; argv[5], argv[6]: the ports, by default any.
// On `tell` it tells what its loop has done.
import { execFileSync, execSync } from 'node:child_process';
import { open } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import Piscina from 'piscina';
import { Counter, Registry } from 'prom-client';
import { startWatchdog } from '../../dist/index.js';
import { randomFrom } from '../support/random.mjs';
import { recordTurns, wall } from './record.mjs';

const [ill, home, seed, watchdogPort = 0, appPort = 0] = process.argv.slice(2);
const random = randomFrom(Number(seed));
const turns = recordTurns();
const blocks = [];
const registry = new Registry();
const orders = new Counter({ name: 'shop_orders_total', help: 'Orders.', registers: [registry] });
const watchdog = startWatchdog(Number(watchdogPort), {
  registry,
  log: false,
  journal: join(home, `${ill}.jsonl`),
});

const pool = new Piscina({
  filename: fileURLToPath(new URL('task.cjs', import.meta.url)),
  minThreads: 2,
  maxThreads: 2,
  maxQueue: 20,
});
watchdog.watchPool(pool, 'images', { slowTask: 600_000 });
/** Sleeps in a thread of the pool: the machine stays free. */
const work = (ms) => pool.run(ms).catch(() => {});

const server = createServer(async (_, response) => {
  response.setHeader('content-type', registry.contentType);
  response.end(await registry.metrics());
}).listen(Number(appPort), '127.0.0.1');

function hold(ms) {
  const until = performance.now() + ms;
  while (performance.now() < until);
}

/** Blocks the loop again and again, for 0.1 to 0.4 s, and is free for as long. */
function stutter() {
  const length = () => 100 + 300 * random();
  const fromMs = wall();
  hold(length());
  const heldMs = wall() - fromMs;
  // Two check phases later the turn has been marked by everybody.
  setImmediate(() =>
    setImmediate(() => {
      blocks.push({ fromMs, heldMs, toMs: wall() });
      setTimeout(stutter, length());
    }),
  );
}

/**
 * More tasks than the pool's queue takes, and no thread of libuv's pool left: reads of a pipe into which
 * nobody writes.
 */
function flood() {
  for (let i = 0; i < 40; i++) work(3_600_000);
  const pipe = join(home, 'pipe');
  execFileSync('mkfifo', [pipe]);
  for (let i = 0; i < 4; i++) open(pipe, 'r', () => {});
}

/** Blocks the loop once, for long, with tasks queued. */
function freeze() {
  for (let i = 0; i < 8; i++) work(1000);
  setTimeout(() => {
    const fromMs = wall();
    execSync('sleep 40');
    process.send({ thawed: { fromMs, toMs: wall() } });
  }, 200);
}

const ills = { hot: stutter, flooded: flood, frozen: freeze, well() {} };
process.on('message', ({ begin }) => {
  if (begin) ills[ill]();
  else process.send({ record: { turns, blocks } });
});
setInterval(() => orders.inc(), 200);
// Some work for each pool, so that run times have a mean.
await Promise.all([work(5), work(5)]);
const { port } = await watchdog.ready;
// Before anybody scrapes: who is to blame is told by a series that begins now, and is 0 for a while.
if (ill === 'hot') hold(1000);
// So that there is something to say of what a full collection leaves.
globalThis.gc();
process.send({ ports: { watchdog: port, app: server.address().port } });
setInterval(() => ill !== 'flooded' && work(5), 1000);
