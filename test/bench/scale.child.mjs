// An app with argv[2] pools of 8 threads, argv[3] watched threads and argv[4] stalls behind it. Tells its address and
// number of series; when asked for, the CPU of a turn of main.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { isMainThread, Worker, workerData } from 'node:worker_threads';
import Piscina from 'piscina';
import { startWatchdog, watchThread } from '../../dist/index.js';

const [POOLS, THREADS, STALLS] = process.argv.slice(2).map(Number);
const POOL_THREADS = 8;
const STALL_MS = 50;
/** 97 threads were born, and V8 collects the garbage of that in each of them some ten seconds later. */
const SETTLE_MS = 15_000;
const TURNS = 200_000;
const ROUNDS = 9;

if (!isMainThread) {
  watchThread(workerData);
  setInterval(() => {}, 1000);
} else {
  const watchdog = startWatchdog(0, { log: false, stallThreshold: STALL_MS });
  const { url } = await watchdog.ready;
  const filename = fileURLToPath(new URL('scale.task.cjs', import.meta.url));
  for (let i = 0; i < POOLS; i++) {
    const pool = new Piscina({ filename, minThreads: POOL_THREADS, maxThreads: POOL_THREADS });
    watchdog.watchPool(pool, `pool-${i}`);
    await Promise.all(Array.from({ length: POOL_THREADS }, () => pool.run()));
  }
  for (let i = 0; i < THREADS; i++) new Worker(fileURLToPath(import.meta.url), { workerData: `thread-${i}` });
  const joined = async () =>
    (await watchdog.metrics()).match(/^watchdog_eventloop_turns_total/gm)?.length ?? 0;
  while ((await joined()) < THREADS + 1) await new Promise((resolve) => setTimeout(resolve, 100));
  for (let i = 0; i < STALLS; i++) {
    const until = performance.now() + STALL_MS;
    while (performance.now() < until);
    await new Promise((resolve) => setTimeout(resolve, STALL_MS));
  }
  const series = (await watchdog.metrics()).split('\n').filter((line) => /^[^#]/.test(line)).length;
  setTimeout(() => process.send({ url, series }), SETTLE_MS);

  process.once('message', async () => {
    const rounds = [];
    for (let round = 0; round < ROUNDS; round++) rounds.push(await turns());
    process.send({ turnNs: Math.min(...rounds), rssMib: process.memoryUsage.rss() / 2 ** 20 });
  });
}

/** @returns {Promise<number>} CPU nanoseconds of a turn, of this thread alone */
const turns = () =>
  new Promise((resolve) => {
    const from = cpuNs();
    let left = TURNS;
    const turn = () => (--left > 0 ? setImmediate(turn) : resolve((cpuNs() - from) / TURNS));
    turn();
  });

function cpuNs() {
  if (process.platform === 'linux')
    return Number(readFileSync('/proc/thread-self/schedstat', 'utf8').split(' ')[0]);
  const { user, system } = process.cpuUsage();
  return (user + system) * 1000;
}
