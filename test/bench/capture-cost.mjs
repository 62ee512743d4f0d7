// What sampling its stack adds to a stall in a process with 3,000 scripts, and whether anything is slower after
// it. Budget: 5 ms for the first look, 1 % of the stall for all others, and nothing after it.
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { keep } from './kit/results.mjs';
import { median } from './kit/variants.mjs';

const SCRIPTS = 3000;
const STALLS = 3;
const PAIRS = 3;
const FIRST_MS = 5;
const SHARE = 0.01;
/**
 * Throughput after by throughput before a stall, with captures by without, differs by this much on its own.
 */
const NOISE = 0.05;

const CHILD = fileURLToPath(new URL('capture-cost.child.mjs', import.meta.url));

async function run(mode) {
  const { stdout } = await promisify(execFile)(process.execPath, [CHILD, mode, SCRIPTS, STALLS].map(String));
  return JSON.parse(stdout).rows;
}

/**
 * @typedef {{ heldUpMs: number, longestMs: number, tookMs: number, before: number, after: number,
 *   samples: number }} Row
 */
/** @type {Record<string, Row[][]>} */
const runs = { off: [], on: [] };
for (let pair = 0; pair < PAIRS; pair++) {
  // Interleaved, so that a slow minute of the machine hits both alike.
  for (const mode of ['off', 'on']) runs[mode].push(await run(mode));
}

const verdict = (kept) => (kept ? 'kept' : 'EXCEEDED');
console.log(
  `A stall of some 2 s in a process with ${SCRIPTS} scripts (${PAIRS} interleaved pairs of ${STALLS} ` +
    `stalls, Node ${process.version})`,
);
for (const [mode, all] of Object.entries(runs)) {
  const rows = all.flat();
  const of = (key) => median(rows.map((row) => row[key]));
  console.log(
    `  sampling ${mode.padEnd(3)} ${String(of('samples')).padStart(3)} samples, held up ` +
      `${of('heldUpMs').toFixed(1).padStart(5)} ms, in one piece ${of('longestMs').toFixed(1)} ms, ` +
      `of ${of('tookMs').toFixed(0)} ms`,
  );
}
const longest = (mode, n) => median(runs[mode].map((rows) => rows[n]?.longestMs ?? 0));
for (const [which, n] of [
  ['the first of a process', 0],
  ['a later one', STALLS - 1],
]) {
  // What else holds up as long does so without it, too.
  const firstMs = Math.max(0, longest('on', n) - longest('off', n));
  console.log(
    `  the first look at ${which} adds ${firstMs.toFixed(1)} ms; budget ${FIRST_MS}: ${verdict(firstMs <= FIRST_MS)}`,
  );
}
const heldUp = (mode) => median(runs[mode].flat().map((row) => row.heldUpMs));
const tookMs = median(runs.on.flat().map((row) => row.tookMs));
const addedMs = heldUp('on') - heldUp('off');
const budgetMs = FIRST_MS + SHARE * tookMs;
console.log(
  `  all looks add ${addedMs.toFixed(1)} ms; budget ${budgetMs.toFixed(1)}: ${verdict(addedMs <= budgetMs)}`,
);
const throughput = (mode) => median(runs[mode].flat().map(({ before, after }) => after / before));
const ratio = throughput('on') / throughput('off');
console.log(
  `  after it the throughput is ${ratio.toFixed(3)} of what it is without; ` +
    `nothing beyond noise (${NOISE}): ${verdict(ratio >= 1 - NOISE)}`,
);
keep('capture-cost', { stallMs: tookMs, addedMs, throughputRatio: ratio });
