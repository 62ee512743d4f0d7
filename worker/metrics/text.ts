import type PromClient from 'prom-client';
// The registry alone: the package's entry brings default metrics and cluster listeners along.
import PromRegistry from 'prom-client/lib/registry.js';
import type { Family } from './family.js';
import type { Complete, Write } from './render.js';

const Registry = PromRegistry as unknown as typeof PromClient.Registry;

/** The text format 0.0.4. */
export function createTextWriter(complete: Complete): Write<Promise<string>> {
  return (families) => {
    const registry = new Registry();
    for (const family of families) register(registry, family, complete);
    return registry.metrics();
  };
}

/**
 * prom-client renders any object of this shape; its own metric classes would keep a second copy of each value.
 */
function register(
  registry: PromClient.Registry,
  { name, type, help, samples }: Family,
  complete: Complete,
): void {
  const values = samples.map(({ labels = {}, value, suffix = '' }) => ({
    labels: {},
    // Their text is kept by it for as long as the object is the same.
    sharedLabels: complete(labels),
    value,
    metricName: name + suffix,
  }));
  const metric = { name, help, type, aggregator: 'sum', get: () => ({ name, help, type, values }) };
  registry.registerMetric(metric as unknown as PromClient.Metric);
}
