// What watching an idle process costs, against peers, in one run. Budget: a fifth of prom-client's default metrics.
import { measure, median } from './variants.mjs';

const NAMES = [
  'nothing',
  'event-loop-watchdog',
  'monitorEventLoopDelay (10 ms)',
  'prom-client default metrics',
];
const ROUNDS = 3;
const SETTLE_MS = 10_000;
const MEASURE_MS = 15_000;

/** @type {Record<string, number[]>} */
const results = Object.fromEntries(NAMES.map((name) => [name, []]));
for (let round = 0; round < ROUNDS; round++) {
  // Side by side: they idle, and share what else the machine does.
  await Promise.all(
    NAMES.map(async (name) => {
      results[name].push(await measure('idle-cost.child.mjs', name, SETTLE_MS, MEASURE_MS));
    }),
  );
}
const nothing = median(results.nothing);
const over = (name) => median(results[name]) - nothing;
console.log(
  `CPU of an idle process, all threads, after ${SETTLE_MS / 1000} s (median of ${ROUNDS}, Node ${process.version})`,
);
for (const name of NAMES) {
  console.log(`  ${name.padEnd(32)} ${(1000 * median(results[name])).toFixed(0).padStart(6)} µs per second`);
}
const share = median(results['event-loop-watchdog']) / median(results['prom-client default metrics']);
console.log(
  `  event-loop-watchdog : prom-client = ${share.toFixed(2)} (over nothing: ` +
    `${(over('event-loop-watchdog') / over('prom-client default metrics')).toFixed(2)}); ` +
    `budget 0.20: ${share <= 0.2 ? 'kept' : 'EXCEEDED'}`,
);
