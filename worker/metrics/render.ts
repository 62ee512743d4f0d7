import type { CollectorName } from '../../src/shared/labels.js';
import { wallTimeOf } from '../counters.js';
import { collectEventloop } from './eventloop.js';
import type { Definition, Family, Labels } from './family.js';
import type { Format } from './format.js';
import { collectMemory } from './memory.js';
import { createOpenMetricsWriter } from './openmetrics.js';
import { collectPools } from './pools.js';
import { collectProcess } from './process.js';
import { createProtobufWriter } from './protobuf.js';
import { collectSelf } from './self.js';
import type { Sources } from './sources.js';
import { collectStalls } from './stalls.js';
import { collectSystem } from './system.js';
import { createTextWriter } from './text.js';
import { collectThreadpool } from './threadpool.js';

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

/** When a counter was 0, in milliseconds since the epoch; `undefined` if nobody knows. */
export type CreatedAt = (definition: Definition, labels: Labels) => number | undefined;

/** Gives the labels of a series for those that its collector knows: the same object each time. */
export type Complete = (labels: Labels) => Labels;

/** Writes families in one format. */
export type Write<T> = (families: readonly Family[], createdAt: CreatedAt) => T;

export type Render = (sources: Sources) => Promise<Buffer>;

/**
 * What makes the watchdog's own metrics into bytes of each format. OpenMetrics comes without its end: more may
 * follow. A collector that throws costs its own series only, and is counted.
 * @param statics labels of every series
 */
export function createRenderers(statics: Labels): Readonly<Record<Format, Render>> {
  return {
    text: createRenderer(statics, createTextWriter),
    openMetrics: createRenderer(statics, createOpenMetricsWriter),
    protobuf: createRenderer(statics, createProtobufWriter),
  };
}

function createRenderer(
  statics: Labels,
  createWriter: (complete: Complete) => Write<string | Promise<string> | Uint8Array>,
): Render {
  // One for each: a format does not use all sets of labels that another does.
  const cache = createLabelCache(statics);
  const write = createWriter(cache.get);
  return async (sources) => {
    const bytes = Buffer.from(await write(collect(sources), createdAt(sources)));
    cache.endScrape();
    return bytes;
  };
}

function collect(sources: Sources): Family[] {
  const families: Family[] = [];
  for (const { name, collect: collectOne } of COLLECTORS) {
    try {
      for (const one of collectOne(sources)) if (one.samples.length > 0) families.push(one);
    } catch {
      // Visible as watchdog_collector_errors_total; `self` comes last and tells of it in this very scrape.
      sources.collectorErrors.add(name);
    }
  }
  return families;
}

function createdAt({ loops, ledger }: Sources): CreatedAt {
  const [main, ...others] = loops;
  const startedMs = wallTimeOf(ledger, 'startedAt', main.stats.startedAtMs);
  const byThread = new Map<unknown, number>(
    others.map(({ labels, stats, ledger: own }) => [
      labels.thread,
      wallTimeOf(own, 'startedAt', stats.startedAtMs),
    ]),
  );
  return ({ since }, { thread }) =>
    since === undefined ? undefined : Math.round(byThread.get(thread) ?? startedMs);
}

interface LabelCache {
  readonly get: Complete;
  endScrape(): void;
}

/**
 * One object for each set of labels, as long as it is in use. Its text is kept for as long as the object is
 * the same, and that is most of the work of a scrape.
 */
function createLabelCache(statics: Labels): LabelCache {
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
