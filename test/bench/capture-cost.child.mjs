// Prints, as JSON, how some stalls went in a process with many scripts, with captures `on` or `off` by
// argv[2].
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { startWatchdog } from '../../dist/index.js';

const [mode, scripts, stalls] = process.argv.slice(2);
/** Sampled from 200 ms on. */
const STALL_MS = 2000;
/** Below the threshold of a stall. */
const WINDOW_MS = 50;
const WINDOWS = 10;

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

/** How long this thread has waited for a CPU, which is no fault of a capture. */
function waitedMs() {
  return Number(readFileSync(`/proc/self/task/${process.pid}/schedstat`, 'utf8').split(' ')[1]) / 1e6;
}

/** Units a millisecond in one window. */
function throughput() {
  const from = performance.now();
  const waited = waitedMs();
  let units = 0;
  while (performance.now() - from < WINDOW_MS) {
    unit();
    units++;
  }
  return units / (performance.now() - from - (waitedMs() - waited));
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

/** A unit that takes so many times as long as most was held up. */
const HELD_UP_TIMES = 2.5;

/** A fixed amount of work in one turn, unit by unit: what holds one up stands out. */
function stall(units, unitMs) {
  let heldUpMs = 0;
  let longestMs = 0;
  let waited = waitedMs();
  const from = performance.now();
  let last = from;
  for (let n = 0; n < units; n++) {
    unit();
    const tookMs = performance.now() - last;
    if (tookMs > HELD_UP_TIMES * unitMs) {
      const now = waitedMs();
      const heldMs = Math.max(0, tookMs - unitMs - (now - waited));
      waited = now;
      heldUpMs += heldMs;
      longestMs = Math.max(longestMs, heldMs);
    }
    last = performance.now();
  }
  return { heldUpMs, longestMs, tookMs: last - from };
}

const watchdog = startWatchdog(0, { capture: mode === 'on', log: false });
const told = [];
watchdog.on('stall', ({ durationMs, samples = 0 }) => told.push({ durationMs, samples }));
await watchdog.ready;
// Until V8 has compiled what is to be compared. Known long work is not looked into.
for (let n = 0; n < 3; n++) {
  watchdog.pause(() => stall(1000, 1));
  await bestThroughput();
}

const rows = [];
// Three stalls in a row are looked into.
for (let n = 0; n < Number(stalls); n++) {
  const before = await bestThroughput();
  told.length = 0;
  const row = stall(Math.round(before * STALL_MS), 1 / before);
  // The word of it.
  await sleep(1000);
  const after = await bestThroughput();
  const samples = Math.max(
    0,
    ...told.filter((one) => one.durationMs > STALL_MS / 2).map((one) => one.samples),
  );
  rows.push({ ...row, before, after, samples });
}
process.stdout.write(JSON.stringify({ sum, rows }));
process.exit();
