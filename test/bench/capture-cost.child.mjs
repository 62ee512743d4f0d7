// Prints, as JSON, how some stalls went in a process with many scripts, with captures `on` or `off` by
// argv[2].
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { startWatchdog } from '../../dist/index.js';

const [mode, scripts, stalls] = process.argv.slice(2);
/** A capture is taken at 200 ms, or when the sidecar looks next; the one at a second is not reached. */
const STALL_MS = 700;
/** Below the threshold of a stall. */
const WINDOW_MS = 50;
const WINDOWS = 16;
/** The first captures of two stalls are at least five seconds apart. */
const APART_MS = 5500;

const require = createRequire(import.meta.url);
const folder = mkdtempSync(join(tmpdir(), 'watchdog-capture-'));
const functions = Array.from({ length: Number(scripts) }, (_, n) => {
  const file = join(folder, `module-${n}.cjs`);
  const code =
    `exports.sum = function sum${n}(to) { let s = ${n}; for (let i = 0; i < to; i++) s += i; ` +
    `return s; };`;
  writeFileSync(file, code);
  return require(file).sum;
});
rmSync(folder, { recursive: true });

let sum = 0;
/** One unit of work: each script's function runs. */
const unit = () => {
  for (const one of functions) sum += one(10);
};

/** Units a millisecond in one window. */
function throughput() {
  const from = performance.now();
  let units = 0;
  while (performance.now() - from < WINDOW_MS) {
    unit();
    units++;
  }
  return units / (performance.now() - from);
}

/** The best of several windows: what disturbs one only ever makes it slower. */
async function bestThroughput() {
  const all = [];
  for (let n = 0; n < WINDOWS; n++) {
    all.push(throughput());
    await sleep(10);
  }
  return Math.max(...all);
}

/** Longer than a unit ever takes by itself. */
const HELD_UP_MS = 2;
/** How long this thread has waited for a CPU, which is no fault of a capture. */
function waitedMs() {
  return Number(readFileSync(`/proc/self/task/${process.pid}/schedstat`, 'utf8').split(' ')[1]) / 1e6;
}

/** A fixed amount of work in one turn, unit by unit: what holds one up stands out. */
function stall(units) {
  let heldUpMs = 0;
  let longestMs = 0;
  let waited = waitedMs();
  let last = performance.now();
  for (let n = 0; n < units; n++) {
    unit();
    const tookMs = performance.now() - last;
    if (tookMs > HELD_UP_MS) {
      const now = waitedMs();
      const heldMs = Math.max(0, tookMs - (now - waited));
      waited = now;
      // A capture does it in several pieces.
      heldUpMs += heldMs;
      longestMs = Math.max(longestMs, heldMs);
    }
    last = performance.now();
  }
  return { heldUpMs, longestMs };
}

const watchdog = startWatchdog(0, { capture: mode === 'on', log: false });
const told = [];
watchdog.on('stall', ({ durationMs, stacks }) => told.push({ durationMs, stacks }));
await watchdog.ready;
// Until V8 has compiled what is to be compared. Known long work is not looked into.
for (let n = 0; n < 3; n++) {
  watchdog.pause(() => stall(STALL_MS));
  await bestThroughput();
}

const rows = [];
for (let n = 0; n < Number(stalls); n++) {
  const before = await bestThroughput();
  told.length = 0;
  await sleep(50);
  const row = stall(Math.round(before * STALL_MS));
  // The rest of the capture's work, and the word of it.
  await sleep(500);
  const after = await bestThroughput();
  const results = told.filter(({ durationMs }) => durationMs > STALL_MS / 2).flatMap(({ stacks }) => stacks);
  rows.push({ ...row, before, after, captured: results.some(({ result }) => result === 'captured') });
  if (n < stalls - 1) await sleep(APART_MS - STALL_MS);
}
process.stdout.write(JSON.stringify({ sum, rows }));
process.exit();
