// What watching an idle process costs, against peers, in one run. Budget: a fifth of prom-client's default
// metrics. Linux only.
import { fork } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { median } from './variants.mjs';

const NAMES = [
  'nothing',
  'event-loop-watchdog',
  'monitorEventLoopDelay (10 ms)',
  'prom-client default metrics',
];
const ROUNDS = 3;
const SETTLE_MS = 10_000;
/**
 * Long enough for what V8 does once in the life of a process, such as to shrink its heap, not to pass for a
 * habit.
 */
const MEASURE_MS = 60_000;
const CHILD = fileURLToPath(new URL('idle-cost.child.mjs', import.meta.url));

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** CPU microseconds that all threads of a process have taken. */
function cpuUs(pid) {
  return readdirSync(`/proc/${pid}/task`)
    .map((id) => Number(readFileSync(`/proc/${pid}/task/${id}/schedstat`, 'utf8').split(' ')[0]) / 1000)
    .reduce((sum, us) => sum + us, 0);
}

/** Microseconds per second of each. Side by side: they idle, and share what else the machine does. */
async function measure() {
  const children = NAMES.map((name) => fork(CHILD, [name]));
  const now = () => children.map(({ pid }) => cpuUs(pid));
  await sleep(SETTLE_MS);
  const before = now();
  await sleep(MEASURE_MS);
  const after = now();
  for (const child of children) child.kill('SIGKILL');
  return after.map((us, i) => (us - before[i]) / (MEASURE_MS / 1000));
}

const rounds = [];
for (let round = 0; round < ROUNDS; round++) rounds.push(await measure());
const costs = Object.fromEntries(NAMES.map((name, i) => [name, median(rounds.map((round) => round[i]))]));
console.log(
  `CPU of an idle process, all threads, after ${SETTLE_MS / 1000} s (median of ${ROUNDS}, Node ` +
    `${process.version})`,
);
for (const [name, us] of Object.entries(costs)) {
  console.log(`  ${name.padEnd(32)} ${us.toFixed(0).padStart(6)} µs per second`);
}
const share = costs['event-loop-watchdog'] / costs['prom-client default metrics'];
console.log(
  `  event-loop-watchdog : prom-client = ${share.toFixed(2)}; budget 0.20: ` +
    `${share <= 0.2 ? 'kept' : 'EXCEEDED'}`,
);
