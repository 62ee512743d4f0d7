// What runs beside the app in each variant of a benchmark. The child processes import this.

/** @type {Record<string, () => Promise<unknown>>} */
export const VARIANTS = {
  nothing: async () => {},
  'bare re-armed immediate': async () => {
    const arm = () => setImmediate(arm).unref();
    arm();
  },
  'event-loop-watchdog': async () => {
    const { startWatchdog } = await import('../../dist/index.js');
    await startWatchdog(0).ready;
  },
  'monitorEventLoopDelay (10 ms)': async () => {
    const { monitorEventLoopDelay } = await import('node:perf_hooks');
    const histogram = monitorEventLoopDelay({ resolution: 10 });
    histogram.enable();
    return histogram;
  },
  'prom-client default metrics': async () => {
    const { default: client } = await import('prom-client');
    client.collectDefaultMetrics();
  },
};

/** Runs a script of this folder once with a variant; resolves with the number that it prints. */
export async function measure(script, variant) {
  const { execFile } = await import('node:child_process');
  const { promisify } = await import('node:util');
  const { fileURLToPath } = await import('node:url');
  const file = fileURLToPath(new URL(script, import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, [file, variant]);
  return Number(stdout);
}

export function median(numbers) {
  const sorted = numbers.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}
