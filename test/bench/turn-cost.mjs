// What a turn of a busy loop costs with the watchdog, against peers, in one run. Budget: 400 ns over a bare
// immediate.
import { installPeers } from './kit/peers.mjs';
import { keep, printTable } from './kit/results.mjs';
import { BARE, measure, median, OURS, VARIANTS } from './kit/variants.mjs';

const ROUNDS = 9;
const BUDGET_NS = 400;

installPeers();
/** @type {Record<string, number[]>} */
const results = Object.fromEntries(Object.keys(VARIANTS).map((name) => [name, []]));
for (let round = 0; round < ROUNDS; round++) {
  // Interleaved, so that a slow minute of the machine hits all alike.
  for (const name of Object.keys(VARIANTS)) results[name].push(await measure('turn-cost.child.mjs', name));
}
// The best of all rounds: what disturbs a run only ever makes it slower.
const figures = Object.entries(results).map(([name, runs]) => {
  const turnNs = Math.min(...runs);
  const overBareNs = turnNs - Math.min(...results[BARE]);
  return { name, turnNs, overBareNs, medianOverBestNs: median(runs) - turnNs };
});
printTable(
  `CPU per turn of a busy loop, ns (best of ${ROUNDS} interleaved rounds, Node ${process.version})`,
  ['', 'a turn', 'over bare', 'median over best'],
  figures.map(({ name, ...ns }) => [name, ...Object.values(ns).map((value) => value.toFixed(0))]),
);
keep('turn-cost', figures);
const over = figures.find(({ name }) => name === OURS).overBareNs;
console.log(`  budget ${BUDGET_NS} ns over a bare immediate: ${over <= BUDGET_NS ? 'kept' : 'EXCEEDED'}`);
