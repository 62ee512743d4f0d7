// Stalls in the ways of argv[2] by turns, for the lengths of argv[3] with rests as in argv[4] between, and
// tells the parent what it did and what the watchdog says of it. A way that is not here is done to this
// process from outside.
import { execSync } from 'node:child_process';
import { fsyncSync, mkdtempSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { startWatchdog } from '../../dist/index.js';

const [ways, lengths, [restLeastMs, restMostMs]] = process.argv.slice(2).map((text) => JSON.parse(text));

/** With six competitors on its CPU a burst of work takes this many times as long. */
const STRETCH = 7;
/** A deed in vain is done again, but not for ever. */
const TRIES_MAX = 2 * lengths.length;

const spin = (ms) => {
  const until = performance.now() + ms;
  while (performance.now() < until);
};

/** The clock's numbers are garbage: here it is read seldom. */
function compute(ms) {
  let sum = 0;
  for (const until = performance.now() + ms; performance.now() < until; ) {
    for (let i = 0; i < 50_000; i++) sum = (sum + i) | 0;
  }
  return sum;
}

function regex(ms) {
  const until = performance.now() + ms;
  // Each further letter doubles the time; 22 take some 30 ms.
  const text = `${'a'.repeat(22)}!`;
  while (performance.now() < until) /^(a+)+$/.test(text);
}

let live;
function collect(ms) {
  const until = performance.now() + ms;
  while (performance.now() < until) globalThis.gc();
}

const lock = new Int32Array(new SharedArrayBuffer(4));
const folder = mkdtempSync(join(tmpdir(), 'watchdog-causes-'));
process.on('exit', () => rmSync(folder, { recursive: true }));
const file = openSync(join(folder, 'file'), 'w');
const block = Buffer.alloc(2 ** 20, 1);
function sync(ms) {
  const until = performance.now() + ms;
  while (performance.now() < until) {
    // A megabyte a time: with less, more of the time goes into the calls than into waiting for the disk.
    writeSync(file, block, 0, block.length, 0);
    fsyncSync(file);
  }
}

/** Works for so much time on a CPU, however long that takes. */
function work(ms) {
  const from = process.cpuUsage();
  for (;;) {
    const { user, system } = process.cpuUsage(from);
    if (user + system >= 1000 * ms) return;
  }
}

/** Somewhat more than half, so that no two parts are near a tie. */
const MOST = 0.55;
/** A stall that had a third of a CPU is not called starved. */
const NEARLY_ALL = 0.7;
/**
 * What each way must have spent its time on, and how much of it, or the machine has made something else of
 * it.
 */
const deeds = {
  'hot loop': [spin, 'cpu', MOST],
  // Beside busy processes it may be starved: the parent is told how much of it was.
  'hot loop in a row': [compute, 'notAsleep', MOST],
  'catastrophic regex': [regex, 'cpu', MOST],
  'global.gc()': [collect, 'notWaiting', MOST],
  'execSync()': [(ms) => void execSync(`sleep ${ms / 1000}`), 'sleep', MOST],
  'Atomics.wait()': [(ms) => void Atomics.wait(lock, 0, 0, ms), 'sleep', MOST],
  'fsyncSync()': [sync, 'sleep', MOST],
  'contended CPU': [(ms) => work(ms / STRETCH), 'wait', NEARLY_ALL],
};

const wall = () => performance.timeOrigin + performance.now();
/**
 * The CPU times of this thread, read at the very ends of the deed: the sidecar's readings lie around
 * them.
 */
function readTimes() {
  const [cpu, wait] = readFileSync(`/proc/self/task/${process.pid}/schedstat`, 'utf8').split(' ');
  return { atMs: wall(), cpuMs: Number(cpu) / 1e6, waitMs: Number(wait) / 1e6 };
}

function stall(way, ms) {
  const [deed, part, least] = deeds[way];
  const before = readTimes();
  deed(ms);
  const after = readTimes();
  const tookMs = after.atMs - before.atMs;
  const cpu = (after.cpuMs - before.cpuMs) / tookMs;
  const wait = (after.waitMs - before.waitMs) / tookMs;
  const shares = { cpu, wait, sleep: 1 - cpu - wait, notWaiting: 1 - wait, notAsleep: cpu + wait };
  return { way, fromMs: before.atMs, toMs: after.atMs, wait, inVain: shares[part] < least };
}

const watchdog = startWatchdog(0, { log: false });
watchdog.on('stall', (stall) => process.send({ stall }));
await watchdog.ready;
if (ways.includes('global.gc()')) live = Array.from({ length: 2_000_000 }, (_, n) => ({ n }));
// Starting may have been a stall, too, and is not of interest.
await sleep(1000);
process.send({ begun: true });

const [first] = ways;
if (deeds[first]) {
  let done = 0;
  for (let tries = 0; done < lengths.length && tries < TRIES_MAX; tries++) {
    await sleep(restLeastMs + (restMostMs - restLeastMs) * Math.random());
    // The next way after one in vain, too: a machine that spoils this one need not spoil that.
    const deed = stall(ways[tries % ways.length], lengths[done]);
    if (!deed.inVain) done++;
    process.send({ deed });
  }
}
process.once('message', () => process.exit(live?.length === 0 ? 1 : 0));
// For those who are stalled from outside: a process with something to do now and then.
setInterval(() => spin(2), 20);
process.send({ done: true });
