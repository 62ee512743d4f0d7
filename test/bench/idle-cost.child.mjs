// Prints the CPU milliseconds per second of a process that idles under one variant, after ten seconds of idleness.
import { VARIANTS } from './variants.mjs';

const [variant, settleMs, measureMs] = process.argv.slice(2);
const held = await VARIANTS[variant]();
setTimeout(() => {
  const cpu = process.cpuUsage();
  const from = performance.now();
  setTimeout(() => {
    const { user, system } = process.cpuUsage(cpu);
    process.stdout.write(String((user + system) / (performance.now() - from)));
    process.exit(held === null ? 1 : 0);
  }, Number(measureMs));
}, Number(settleMs));
