// Prints the CPU nanoseconds of the main thread's turn under one variant, the best of several runs.
import { VARIANTS } from './kit/variants.mjs';

const [variant] = process.argv.slice(2);
const TURNS = 250_000;
const RUNS = 4;

const held = await VARIANTS[variant]();
await new Promise((resolve) => setTimeout(resolve, 200));

/** @returns {Promise<number>} */
const run = () =>
  new Promise((resolve) => {
    let turns = 0;
    const cpu = process.cpuUsage();
    const turn = () => {
      if (++turns < TURNS) {
        setImmediate(turn);
        return;
      }
      const { user, system } = process.cpuUsage(cpu);
      resolve(((user + system) * 1000) / TURNS);
    };
    turn();
  });

await run();
let best = Number.POSITIVE_INFINITY;
for (let i = 0; i < RUNS; i++) best = Math.min(best, await run());
process.stdout.write(String(best));
process.exit(held === null ? 1 : 0);
