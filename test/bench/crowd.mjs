// What 10 pools of 8 threads and 16 watched threads add to a scrape and to main's turns. Budget: a scrape in 10 ms (p99), 400 ns a turn.
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const run = (variant) =>
  JSON.parse(
    execFileSync(process.execPath, [fileURLToPath(new URL('crowd.child.mjs', import.meta.url)), variant]),
  );
const alone = run('alone');
const crowd = run('crowd');
const added = crowd.turnNs - alone.turnNs;
console.log(`10 pools of 8 threads and 16 watched threads (Node ${process.version})`);
for (const [name, { p50, p99, turnNs, size }] of Object.entries({ alone, crowd })) {
  console.log(
    `  ${name.padEnd(6)} ${String(size).padStart(5)} series   scrape p50 ${p50.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms   ` +
      `a turn of main ${turnNs.toFixed(0)} ns`,
  );
}
console.log(
  `  budget: p99 10 ms: ${crowd.p99 <= 10 ? 'kept' : 'EXCEEDED'}; turns 400 ns more: ${added <= 400 ? 'kept' : 'EXCEEDED'}`,
);
