// What watching an idle process costs, against peers, in one run. Budget: a fifth of prom-client's default
// metrics. Linux only.
import { fork } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { installPeers } from './kit/peers.mjs';
import { keep, printTable } from './kit/results.mjs';
import { BARE, median, OURS, VARIANTS } from './kit/variants.mjs';

/** An immediate of one's own keeps no idle loop turning. */
const NAMES = Object.keys(VARIANTS).filter((name) => name !== BARE);
const ROUNDS = 3;
const SETTLE_MS = 10_000;
/**
 * Long enough for what V8 does once in the life of a process, such as to shrink its heap, not to pass for a
 * habit.
 */
const MEASURE_MS = 60_000;
const CHILD = fileURLToPath(new URL('idle-cost.child.mjs', import.meta.url));

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** CPU microseconds that all threads of a process have taken, and how often one of them was woken. */
function accountsOf(pid) {
  const tasks = readdirSync(`/proc/${pid}/task`).map((id) => `/proc/${pid}/task/${id}`);
  const cpuNs = tasks.map((task) => Number(readFileSync(`${task}/schedstat`, 'utf8').split(' ')[0]));
  const slept = tasks.map((task) => {
    const [, times] = /^voluntary_ctxt_switches:\s+(\d+)/m.exec(readFileSync(`${task}/status`, 'utf8'));
    return Number(times);
  });
  const sum = (all) => all.reduce((one, other) => one + other, 0);
  return { cpuUs: sum(cpuNs) / 1000, wakeups: sum(slept) };
}

/** Of each, per second. Side by side: they idle, and share what else the machine does. */
async function measure() {
  const children = NAMES.map((name) => fork(CHILD, [name]));
  const now = () => children.map(({ pid }) => accountsOf(pid));
  await sleep(SETTLE_MS);
  const before = now();
  await sleep(MEASURE_MS);
  const after = now();
  for (const child of children) child.kill('SIGKILL');
  const perSecond = (key, i) => (after[i][key] - before[i][key]) / (MEASURE_MS / 1000);
  return NAMES.map((_, i) => ({ cpuUs: perSecond('cpuUs', i), wakeups: perSecond('wakeups', i) }));
}

installPeers();
const rounds = [];
for (let round = 0; round < ROUNDS; round++) rounds.push(await measure());
const figures = NAMES.map((name, i) => {
  const runs = rounds.map((round) => round[i]);
  const cpus = runs.map(({ cpuUs }) => cpuUs);
  return {
    name,
    cpuUsPerSecond: median(cpus),
    wakeupsPerSecond: median(runs.map(({ wakeups }) => wakeups)),
    leastCpuUs: Math.min(...cpus),
    mostCpuUs: Math.max(...cpus),
  };
});
printTable(
  `An idle process, all threads, after ${SETTLE_MS / 1000} s (median of ${ROUNDS}, Node ${process.version})`,
  ['', 'CPU µs/s', 'wake-ups/s', 'CPU from', 'to'],
  figures.map(({ name, ...numbers }) => [name, ...Object.values(numbers).map((value) => value.toFixed(0))]),
);
keep('idle-cost', figures);
const cpuOf = (wanted) => figures.find(({ name }) => name === wanted).cpuUsPerSecond;
const share = cpuOf(OURS) / cpuOf('prom-client default metrics');
console.log(
  `  event-loop-watchdog : prom-client = ${share.toFixed(2)}; budget 0.20: ` +
    `${share <= 0.2 ? 'kept' : 'EXCEEDED'}`,
);
