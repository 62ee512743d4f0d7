// An app with 10 pools of 8 threads and 16 watched threads, all at work now and then. Prints the scrape's p99 in milliseconds and
// the CPU of main's turns, in nanoseconds. argv: 'crowd' or 'alone'.
import { fileURLToPath } from 'node:url';
import { isMainThread, Worker } from 'node:worker_threads';
import Piscina from 'piscina';
import { startWatchdog, watchThread } from '../../dist/index.js';

const POOLS = 10;
const POOL_THREADS = 8;
const THREADS = 16;
const SCRAPES = 300;
const TURNS = 200_000;

if (!isMainThread) {
  const { workerData } = await import('node:worker_threads');
  watchThread(workerData);
  setInterval(() => {}, 1000);
} else {
  const watchdog = startWatchdog(0, { log: false });
  const { url } = await watchdog.ready;
  if (process.argv[2] === 'crowd') {
    const filename = fileURLToPath(new URL('crowd.task.cjs', import.meta.url));
    for (let i = 0; i < POOLS; i++) {
      const pool = new Piscina({ filename, minThreads: POOL_THREADS, maxThreads: POOL_THREADS });
      watchdog.watchPool(pool, `pool-${i}`);
      await Promise.all(Array.from({ length: POOL_THREADS }, () => pool.run()));
    }
    for (let i = 0; i < THREADS; i++)
      new Worker(fileURLToPath(import.meta.url), { workerData: `thread-${i}` });
    const joined = async () => (await watchdog.metrics()).match(/^watchdog_eventloop_turns_total/gm).length;
    while ((await joined()) < THREADS + 1) await new Promise((resolve) => setTimeout(resolve, 100));
  }
  // The machine settles: 97 threads were born.
  await new Promise((resolve) => setTimeout(resolve, 3000));

  const times = [];
  for (let i = 0; i < SCRAPES; i++) {
    const from = performance.now();
    await (await fetch(`${url}/metrics`)).text();
    times.push(performance.now() - from);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  times.sort((a, b) => a - b);

  const rounds = [];
  for (let round = 0; round < 5; round++) {
    const cpu = process.threadCpuUsage?.() ?? process.cpuUsage();
    for (let i = 0; i < TURNS; i++) await new Promise((resolve) => setImmediate(resolve));
    const { user, system } = process.threadCpuUsage?.(cpu) ?? process.cpuUsage(cpu);
    rounds.push(((user + system) * 1000) / TURNS);
  }
  const size = (await watchdog.metrics()).split('\n').filter((line) => /^[^#]/.test(line)).length;
  const of = (q) => times[Math.floor(times.length * q)];
  console.log(JSON.stringify({ p50: of(0.5), p99: of(0.99), turnNs: Math.min(...rounds), size }));
  process.exit();
}
