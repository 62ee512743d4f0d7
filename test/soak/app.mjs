// An app under load that stalls at random for known lengths, and tells its parent of each. argv: the journal,
// the seed.
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Piscina } from 'piscina';
import { holdSidecars, killFromWithin } from '../fixtures/sidecar-killer.mjs';
import { randomFrom } from '../support/random.mjs';
import { waysToHold } from './ways.mjs';

const [journal, seed] = process.argv.slice(2);
const random = randomFrom(Number(seed));

let sidecar;
holdSidecars((worker) => {
  sidecar = worker;
  worker.once('online', () => process.send({ sidecar: 'online' }));
  worker.once('exit', () => process.send({ sidecar: 'dead' }));
});
/** When the last turn ended: before the watchdog's marker sees it, since this one was there first. */
let markedMs = performance.now();
function mark() {
  markedMs = performance.now();
  setImmediate(mark).unref();
}
setImmediate(mark).unref();

const { startWatchdog } = await import('../../dist/index.js');

const watchdog = startWatchdog(0, { journal, log: false });
const pool = new Piscina({
  filename: fileURLToPath(new URL('../fixtures/task.cjs', import.meta.url)),
  minThreads: 2,
  maxThreads: 2,
});
watchdog.watchPool(pool, 'images');

let going = true;
let tasks = 0;

const ways = waysToHold(dirname(journal));

/** One stall. Its turn is longer than the work, and lies within what is told as the turn. */
function stall(ms) {
  const startMs = performance.now();
  const turnMarkedMs = markedMs;
  const turnBeganAt = Date.now() - (startMs - turnMarkedMs);
  const startedAt = Date.now();
  ways[Math.floor(random() * ways.length)](ms);
  const workMs = performance.now() - startMs;
  // In the check phase of this very turn, as the watchdog's own marker.
  setImmediate(() => {
    const turnMs = performance.now() - turnMarkedMs;
    process.send({ stall: { turnBeganAt, startedAt, workMs, turnMs } });
  });
}

async function stallNowAndThen() {
  while (going) {
    // Many short ones, and few that are long.
    stall(20 + 1500 * random() ** 3);
    await sleep(200 + 600 * random());
  }
}

async function keepPoolBusy() {
  while (going) {
    await Promise.all(Array.from({ length: 1 + Math.floor(4 * random()) }, () => pool.run(50 * random())));
    tasks = pool.completed;
    await sleep(100 * random());
  }
}

process.on('message', async ({ kill, stop }) => {
  if (kill === 'terminate') sidecar.terminate();
  else if (kill) killFromWithin(kill);
  if (!stop) return;
  going = false;
  await Promise.all(work);
  process.send({ stopped: { tasks } });
});

process.send({ ready: await watchdog.ready });
await sleep(500);
const work = [stallNowAndThen(), keepPoolBusy()];
