// What is told of the same minute of holds and idling by the watchdog and by others, each in a process of its
// own, beside what was true of it. Budget: the watchdog within 5 % of the truth, as a histogram with its
// bounds shows it.
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const SECONDS = Number(process.env.WATCHDOG_BENCH_SECONDS ?? 60);
const SEED = process.env.WATCHDOG_BENCH_SEED ?? String(Date.now() % 1e9);
const BUDGET = 0.05;
/** With more of the time spent waiting for a CPU the app does not know its own delays well enough. */
const QUIET = 0.02;
const OURS = 'event-loop-watchdog';
const TOOLS = [
  OURS,
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

const row = (cells) => `  ${cells.map((cell, n) => (n ? cell.padStart(16) : cell.padEnd(24))).join('')}`;
function cell(told, truth, column) {
  const digits = column === 'stalls' ? 0 : 1;
  const [one, other] = [told, truth].map((values) => values[column]?.toFixed(digits) ?? '-');
  return `${one} / ${other}`;
}

console.log(
  `Delay in ms and stalls of 100 ms and more, told / true, ${SECONDS} s each (Node ${process.version}, ` +
    `WATCHDOG_BENCH_SEED=${SEED})`,
);
console.log(row(['', ...COLUMNS]));
let verdict = 'EXCEEDED';
for (const tool of TOOLS) {
  const { told, truth, seen, waited } = await measure(tool);
  console.log(row([tool, ...COLUMNS.map((column) => cell(told, truth, column))]));
  if (tool !== OURS) continue;
  console.log(
    row([
      '  by its bounds',
      ...COLUMNS.map((column) => cell(told, { ...seen, stalls: truth.stalls }, column)),
    ]),
  );
  const kept = COLUMNS.every((column) => {
    const wanted = column === 'stalls' ? truth.stalls : seen[column];
    return Number.isFinite(told[column]) && Math.abs(told[column] - wanted) <= BUDGET * wanted;
  });
  if (kept) verdict = 'kept';
  else if (waited > QUIET)
    verdict = `not judged, the app waited for a CPU for ${(100 * waited).toFixed(0)} % of the time`;
}
console.log(
  '  true: what an event that arrives at a random moment waits; by its bounds: as a histogram with the ' +
    'same bounds shows the truth;\n' +
    '  monitorEventLoopDelay less its resolution of 10 ms, the others as they tell it; -: is not told',
);
console.log(`  budget ${100 * BUDGET} % beside the truth by its bounds: ${verdict}`);
