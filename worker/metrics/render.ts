import type PromClient from 'prom-client';
// The registry alone: the package's entry brings default metrics and cluster listeners along.
import PromRegistry from 'prom-client/lib/registry.js';
import type { CollectorName } from '../../src/shared/labels.js';
import { collectEventloop } from './eventloop.js';
import type { Family, Labels } from './family.js';
import { collectMemory } from './memory.js';
import { collectPools } from './pools.js';
import { collectProcess } from './process.js';
import { collectSelf } from './self.js';
import type { Sources } from './sources.js';
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
  { name: 'memory', collect: collectMemory },
  { name: 'process', collect: collectProcess },
  { name: 'pools', collect: collectPools },
  { name: 'threadpool', collect: collectThreadpool },
  { name: 'self', collect: collectSelf },
];

/**
 * What makes the watchdog's own metrics into Prometheus text. A collector that throws costs its own series
 * only, and is counted.
 * @param statics labels of every series
 */
export function createRenderer(statics: Labels): (sources: Sources) => Promise<string> {
  const complete = createLabelCache(statics);

  /**
   * prom-client renders any object of this shape; its own metric classes would keep a second copy of each
   * value.
   */
  function register(registry: PromClient.Registry, { name, type, help, samples }: Family): void {
    const values = samples.map(({ labels = {}, value, suffix = '' }) => ({
      labels: {},
      sharedLabels: complete.get(labels),
      value,
      metricName: name + suffix,
    }));
    const metric = { name, help, type, aggregator: 'sum', get: () => ({ name, help, type, values }) };
    registry.registerMetric(metric as unknown as PromClient.Metric);
  }

  return async (sources) => {
    const registry = new Registry();
    for (const { name, collect } of COLLECTORS) {
      try {
        for (const one of collect(sources)) if (one.samples.length > 0) register(registry, one);
      } catch {
        // Visible as watchdog_collector_errors_total; `self` comes last and tells of it in this very scrape.
        sources.collectorErrors.add(name);
      }
    }
    complete.endScrape();
    return registry.metrics();
  };
}

/**
 * One object for each set of labels, as long as it is in use. prom-client keeps its text for as long as the
 * object is the same, and that is most of the work of a scrape.
 */
function createLabelCache(statics: Labels): { get(labels: Labels): Labels; endScrape(): void } {
  let before = new Map<string, Labels>();
  let now = new Map<string, Labels>();
  return {
    get(labels) {
      const key = JSON.stringify(labels);
      const one = now.get(key) ?? before.get(key) ?? { ...labels, ...statics };
      now.set(key, one);
      return one;
    },
    endScrape() {
      before = now;
      now = new Map();
    },
  };
}
