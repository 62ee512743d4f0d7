import type PromClient from 'prom-client';
// The registry alone: the package's entry brings default metrics and cluster listeners along.
import PromRegistry from 'prom-client/lib/registry.js';
import type { Family } from './family.js';

const Registry = PromRegistry as unknown as typeof PromClient.Registry;

/** The text format 0.0.4. */
export function writeText(families: readonly Family[]): Promise<string> {
  const registry = new Registry();
  for (const family of families) register(registry, family);
  return registry.metrics();
}

/**
 * prom-client renders any object of this shape; its own metric classes would keep a second copy of each value.
 */
function register(registry: PromClient.Registry, { name, type, help, samples }: Family): void {
  const values = samples.map(({ labels, value, suffix = '' }) => ({
    labels: {},
    sharedLabels: labels,
    value,
    metricName: name + suffix,
  }));
  const metric = { name, help, type, aggregator: 'sum', get: () => ({ name, help, type, values }) };
  registry.registerMetric(metric as unknown as PromClient.Metric);
}
