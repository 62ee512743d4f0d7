import type PromClient from 'prom-client';
// The registry alone: the package's entry brings default metrics and cluster listeners along.
import PromRegistry from 'prom-client/lib/registry.js';
import { collectEventloop } from './eventloop.js';
import type { Family } from './family.js';
import { collectPools } from './pools.js';
import { collectSelf } from './self.js';
import type { CollectorName, Sources } from './sources.js';
import { collectStalls } from './stalls.js';
import { collectSystem } from './system.js';
import { collectThreadpool } from './threadpool.js';

const Registry = PromRegistry as unknown as typeof PromClient.Registry;

export const CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

/** In the order in which they are served. */
const COLLECTORS: readonly { name: CollectorName; collect: (sources: Sources) => readonly Family[] }[] = [
  { name: 'eventloop', collect: collectEventloop },
  { name: 'stalls', collect: collectStalls },
  { name: 'system', collect: collectSystem },
  { name: 'pools', collect: collectPools },
  { name: 'threadpool', collect: collectThreadpool },
  { name: 'self', collect: collectSelf },
];

/**
 * The watchdog's own metrics as Prometheus text. A collector that throws costs its own series only, and is counted.
 */
export async function renderMetrics(sources: Sources): Promise<string> {
  const registry = new Registry();
  registry.setDefaultLabels(sources.options.labels);
  for (const { name, collect } of COLLECTORS) {
    try {
      for (const one of collect(sources)) if (one.samples.length > 0) register(registry, one);
    } catch {
      // Visible as watchdog_collector_errors_total; `self` comes last and tells of it in this very scrape.
      sources.collectorErrors.add(name);
    }
  }
  return registry.metrics();
}

/** prom-client renders any object of this shape; its own metric classes would keep a second copy of each value. */
function register(registry: PromClient.Registry, { name, type, help, samples }: Family): void {
  const values = samples.map(({ labels = {}, value, suffix = '' }) => ({
    labels,
    value,
    metricName: name + suffix,
  }));
  const metric = { name, help, type, aggregator: 'sum', get: () => ({ name, help, type, values }) };
  registry.registerMetric(metric as unknown as PromClient.Metric);
}
