// What is told of the same minute of holds and idling by the watchdog and by others, each in a process of its
// own, beside what was true of it. The watchdog's is read through a real Prometheus, by its native histogram and
// by the classic buckets. Budget: within 5 % of the truth, in both.
import { execFile, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { ofTurns } from './accuracy.math.mjs';
import { FORMS, startPrometheus } from './accuracy.prometheus.mjs';
import { keep } from './kit/results.mjs';

const SECONDS = Number(process.env.WATCHDOG_BENCH_SECONDS ?? 60);
const SEED = process.env.WATCHDOG_BENCH_SEED ?? String(Date.now() % 1e9);
const BUDGET = 0.05;
/** With more of the time spent waiting for a CPU the app does not know its own delays well enough. */
const QUIET = 0.02;
const OURS = 'event-loop-watchdog';
const TOOLS = [
  'monitorEventLoopDelay',
  'prom-client',
  'OpenTelemetry',
  'blocked',
  'blocked-at',
  'toobusy-js',
];
const COLUMNS = ['mean', 'p50', 'p90', 'p99', 'stalls'];

const CHILD = fileURLToPath(new URL('accuracy.child.mjs', import.meta.url));

/** One after another: they would take the CPU from each other. */
async function measure(tool) {
  const { stdout } = await promisify(execFile)(process.execPath, [CHILD, tool, SEED, String(SECONDS)]);
  return JSON.parse(stdout);
}

/**
 * All forms of the same minute. The app idles from the scrape before it to the one after it, so that what is told
 * of the time between these two is told of the same turns as the app knows.
 */
async function measureOurs() {
  const child = fork(CHILD, [OURS, SEED, String(SECONDS)]);
  const [{ port }] = await once(child, 'message');
  const forms = Object.keys(FORMS);
  const services = await Promise.all(forms.map((form) => startPrometheus(form, port)));
  const from = await Promise.all(services.map(({ scraped }) => scraped()));
  child.send('go');
  const [{ delays, truth, waited }] = await once(child, 'message');
  // The last stall is counted when what is known of it is in.
  const to = await Promise.all(services.map(({ scraped }) => scraped(Date.now() + 2000)));
  const results = await Promise.all(
    services.map(async ({ tell }, i) => {
      const wallMs = 1000 * (to[i] - from[i]);
      return {
        form: forms[i],
        told: await tell(from[i], to[i]),
        truth: { ...ofTurns(delays, wallMs), stalls: truth.stalls, arrivals: wallMs },
        waited,
      };
    }),
  );
  child.send('end');
  await Promise.all([once(child, 'exit'), ...services.map(({ stop }) => stop())]);
  return results;
}

const row = (cells) => `  ${cells.map((cell, n) => (n ? cell.padStart(16) : cell.padEnd(30))).join('')}`;
function cell(told, truth, column) {
  const digits = column === 'stalls' || column === 'arrivals' ? 0 : 1;
  const [one, other] = [told, truth].map((values) => values[column]?.toFixed(digits) ?? '-');
  return `${one} / ${other}`;
}
const isNear = (told, truth) => Number.isFinite(told) && Math.abs(told - truth) <= BUDGET * truth;

console.log(
  `Delay in ms and stalls of 100 ms and more, told / true, ${SECONDS} s each (Node ${process.version}, ` +
    `WATCHDOG_BENCH_SEED=${SEED})`,
);
console.log(row(['', ...COLUMNS]));
const ours = await measureOurs();
const figures = ours.map(({ form, told, truth }) => ({ name: `${OURS}, ${form}`, told, truth }));
for (const { form, told, truth } of ours)
  console.log(row([`${OURS}, ${form}`, ...COLUMNS.map((column) => cell(told, truth, column))]));
for (const tool of TOOLS) {
  const { told, truth } = await measure(tool);
  console.log(row([tool, ...COLUMNS.map((column) => cell(told, truth, column))]));
  figures.push({ name: tool, told, truth });
}
keep('accuracy', figures);
console.log(
  '  true: what an event that arrives at a random moment waits; monitorEventLoopDelay less its resolution of ' +
    '10 ms, the others as they tell it; -: is not told',
);
for (const { form, told, truth, waited } of ours) {
  const kept = [...COLUMNS, 'arrivals'].every((column) => isNear(told[column], truth[column]));
  const verdict = kept
    ? 'kept'
    : waited > QUIET
      ? `not judged, the app waited for a CPU for ${(100 * waited).toFixed(0)} % of the time`
      : 'EXCEEDED';
  console.log(
    `  ${form}: budget ${100 * BUDGET} % beside the truth: ${verdict}; arrivals ${cell(told, truth, 'arrivals')}`,
  );
}
