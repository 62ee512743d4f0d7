// What a turn of a busy loop costs with the watchdog, against peers, in one run. Budget: 400 ns over a bare
// immediate.
import { measure, median, VARIANTS } from './variants.mjs';

const ROUNDS = 9;
const BUDGET_NS = 400;

/** @type {Record<string, number[]>} */
const results = Object.fromEntries(Object.keys(VARIANTS).map((name) => [name, []]));
for (let round = 0; round < ROUNDS; round++) {
  // Interleaved, so that a slow minute of the machine hits all alike.
  for (const name of Object.keys(VARIANTS)) results[name].push(await measure('turn-cost.child.mjs', name));
}
// The best of all rounds: what disturbs a run only ever makes it slower.
const best = Object.fromEntries(Object.entries(results).map(([name, runs]) => [name, Math.min(...runs)]));
const bare = best['bare re-armed immediate'];
console.log(`CPU per turn of a busy loop (best of ${ROUNDS} interleaved rounds, Node ${process.version})`);
for (const [name, ns] of Object.entries(best)) {
  const spread = median(results[name]) - ns;
  const over = ns - bare;
  console.log(
    `  ${name.padEnd(32)} ${ns.toFixed(0).padStart(6)} ns   over bare ${over.toFixed(0).padStart(5)} ns   ` +
      `median +${spread.toFixed(0)} ns`,
  );
}
const over = best['event-loop-watchdog'] - bare;
console.log(`  budget ${BUDGET_NS} ns over a bare immediate: ${over <= BUDGET_NS ? 'kept' : 'EXCEEDED'}`);
