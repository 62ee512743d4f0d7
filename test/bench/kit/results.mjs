// Where the figures of the benchmarks are kept, from which README's table is written: see `tables.mjs`.
import { writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';

export const RESULTS = new URL('../results/', import.meta.url);

/** What the figures depend on. */
function machine() {
  const [cpu] = cpus();
  const memoryGib = Math.round(totalmem() / 2 ** 30);
  return `${process.platform}-${process.arch}, ${cpus().length} × ${cpu?.model.trim() ?? 'unknown'}, ${memoryGib} GiB`;
}

/**
 * Keeps what a benchmark has measured in one run.
 * @param {string} name of the benchmark
 * @param {object} figures numbers with their units in their names
 */
export function keep(name, figures) {
  const about = { date: new Date().toISOString().slice(0, 10), node: process.version, machine: machine() };
  writeFileSync(new URL(`${name}.json`, RESULTS), `${JSON.stringify({ ...about, figures }, rounded, 2)}\n`);
}

/** Four digits are more than the machines are good for. */
const rounded = (_key, value) => (typeof value === 'number' ? Number(value.toPrecision(4)) : value);

/** Rows of cells as a table for people, the first column to the left. */
export function printTable(title, head, rows) {
  const all = [head, ...rows].map((cells) => cells.map(String));
  const widths = head.map((_, n) => Math.max(...all.map((cells) => cells[n].length)));
  console.log(title);
  for (const cells of all) {
    const padded = cells.map((cell, n) => (n === 0 ? cell.padEnd(widths[n]) : cell.padStart(widths[n])));
    console.log(`  ${padded.join('   ')}`);
  }
}

export const quantile = (all, q) => all.toSorted((a, b) => a - b)[Math.ceil(q * all.length) - 1];
