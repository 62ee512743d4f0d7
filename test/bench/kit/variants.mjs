// What runs beside the app in each variant of a benchmark. The child processes import this.
import { peer } from './peers.mjs';

export const OURS = 'event-loop-watchdog';
export const NOTHING = 'nothing';
export const BARE = 'bare re-armed immediate';

/** @type {Record<string, () => Promise<unknown>>} */
export const VARIANTS = {
  [NOTHING]: async () => {},
  [BARE]: async () => {
    const arm = () => setImmediate(arm).unref();
    arm();
  },
  [OURS]: async () => {
    const { startWatchdog } = await import('../../../dist/index.js');
    await startWatchdog(0, { log: false }).ready;
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
  'OpenTelemetry runtime metrics': async () => {
    const { MeterProvider, PeriodicExportingMetricReader, InMemoryMetricExporter } = await import(
      '@opentelemetry/sdk-metrics'
    );
    const { RuntimeNodeInstrumentation } = await import('@opentelemetry/instrumentation-runtime-node');
    const reader = new PeriodicExportingMetricReader({
      exporter: new InMemoryMetricExporter(),
      exportIntervalMillis: 15_000,
    });
    const instrumentation = new RuntimeNodeInstrumentation();
    instrumentation.setMeterProvider(new MeterProvider({ readers: [reader] }));
    return instrumentation;
  },
  '@fastify/under-pressure': async () => {
    const { default: fastify } = await peer('fastify');
    const { default: underPressure } = await peer('@fastify/under-pressure');
    const app = fastify().register(underPressure, { maxEventLoopDelay: 1000 });
    await app.ready();
    return app;
  },
  'toobusy-js': async () => {
    const { default: toobusy } = await import('toobusy-js');
    return toobusy;
  },
  'blocked-at': async () => {
    const { default: blocked } = await import('blocked-at');
    return blocked(() => {}, { threshold: 100 });
  },
  'Sentry eventLoopBlock alone': async () => {
    const { init } = await peer('@sentry/node');
    const { eventLoopBlockIntegration } = await peer('@sentry/node-native');
    const integrations = [eventLoopBlockIntegration({ threshold: 1000 })];
    init({ dsn: 'http://key@127.0.0.1:9/1', defaultIntegrations: false, integrations });
  },
};

/** Runs a script of the benchmarks once with a variant; resolves with the number that it prints. */
export async function measure(script, variant) {
  const { execFile } = await import('node:child_process');
  const { promisify } = await import('node:util');
  const { fileURLToPath } = await import('node:url');
  const file = fileURLToPath(new URL(`../${script}`, import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, [file, variant]);
  return Number(stdout);
}

export function median(numbers) {
  const sorted = numbers.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}
