// What a capture of the stack costs main in a process with 3,000 scripts: how much longer it makes the stall,
// and whether anything is slower after it. Budget: 60 ms, and nothing.
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { median } from './variants.mjs';

const SCRIPTS = 3000;
const STALLS = 3;
const PAIRS = 4;
const BUDGET_MS = 60;
/**
 * Throughput after by throughput before a stall, with captures by without, differs by this much on its own.
 */
const NOISE = 0.05;

const CHILD = fileURLToPath(new URL('capture-cost.child.mjs', import.meta.url));

async function run(mode) {
  const { stdout } = await promisify(execFile)(process.execPath, [CHILD, mode, SCRIPTS, STALLS].map(String));
  return JSON.parse(stdout).rows;
}

/** @type {Record<string, { heldUpMs: number, longestMs: number, before: number, after: number }[][]>} */
const runs = { off: [], on: [] };
for (let pair = 0; pair < PAIRS; pair++) {
  // Interleaved, so that a slow minute of the machine hits both alike.
  for (const mode of ['off', 'on']) {
    const rows = await run(mode);
    runs[mode].push(rows.filter(({ captured }) => captured === (mode === 'on')));
  }
}

const ms = (numbers) =>
  `${median(numbers).toFixed(1).padStart(6)} ms (up to ${Math.max(...numbers).toFixed(1)})`;
console.log(
  `A stall of 700 ms in a process with ${SCRIPTS} scripts (${PAIRS} interleaved pairs of ${STALLS} ` +
    `stalls, Node ${process.version})`,
);
const ratios = {};
for (const [mode, all] of Object.entries(runs)) {
  const rows = all.flat();
  ratios[mode] = median(rows.map(({ before, after }) => after / before));
  console.log(
    `  captures ${mode.padEnd(4)} held up ${ms(rows.map(({ heldUpMs }) => heldUpMs))}, ` +
      `in one piece ${ms(rows.map(({ longestMs }) => longestMs))}, ` +
      `throughput after : before = ${ratios[mode].toFixed(3)}   ${rows.length} stalls`,
  );
}
for (const [which, from, to] of [
  ['the first capture of a process', 0, 1],
  ['each later one', 1, STALLS],
]) {
  const heldUp = (mode) =>
    median(runs[mode].flatMap((all) => all.slice(from, to)).map((row) => row.heldUpMs));
  const added = heldUp('on') - heldUp('off');
  console.log(
    `  ${which} adds ${added.toFixed(1)} ms to its stall; budget ${BUDGET_MS}: ` +
      `${added <= BUDGET_MS ? 'kept' : 'EXCEEDED'}`,
  );
}
const ratio = ratios.on / ratios.off;
console.log(
  `  after it the throughput is ${ratio.toFixed(3)} of what it is without; ` +
    `nothing beyond noise (${NOISE}): ${ratio >= 1 - NOISE ? 'kept' : 'EXCEEDED'}`,
);
