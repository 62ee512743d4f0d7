import { collectDefaultMetrics, Registry } from 'prom-client';
import { describe, expect, it } from 'vitest';
import { COLLECTORS, DROP_REASONS } from '../../../../src/shared/labels.js';
import { GC, HEAP, LEDGER, PROCESS_STATE, RESOURCES } from '../../../../src/shared/layout.js';
import { allocate, openReader } from '../../../../src/shared/regions.js';
import { openLedger, openTally, wallTimeOf } from '../../../../worker/counters.js';
import { sampleDelay } from '../../../../worker/loops/delay.js';
import { METRIC_NAMES, METRICS } from '../../../../worker/metrics/names.js';
import { createRenderers } from '../../../../worker/metrics/render.js';
import type { Sources } from '../../../../worker/metrics/sources.js';
import { STALLS } from '../../../../worker/metrics/stalls.js';
import type { PoolView } from '../../../../worker/pools/pool.js';
import { decode, type Native, seriesName } from '../../../support/protobuf.js';
import { parse } from '../../../support/scrape.js';
import { SIDECAR_OPTIONS } from '../../../support/sidecar-options.js';
import { createVirtualLoop, total, type VirtualLoop } from '../../../support/virtual-loop.js';

function sources(loop: VirtualLoop, more: Partial<Sources> = {}): Sources {
  const ledger = openLedger(LEDGER, allocate(LEDGER));
  return {
    nowMs: loop.now(),
    loops: [
      {
        labels: { thread: 'main' },
        stats: loop.read(),
        ledger: loop.ledger,
        gc: openReader(GC, allocate(GC))(),
        heap: openReader(HEAP, allocate(HEAP))(),
        resources: openReader(RESOURCES, allocate(RESOURCES))(),
        resourceTypes: [],
        times: undefined,
        culprits: [],
      },
    ],
    processState: openReader(PROCESS_STATE, allocate(PROCESS_STATE))(),
    ledger,
    pools: [],
    options: SIDECAR_OPTIONS,
    usage: undefined,
    threadpool: { size: 4, busy: undefined, probePendingMs: 0 },
    throttling: undefined,
    sidecarLagMaxMs: 0,
    relayAgeMs: undefined,
    relayDropped: undefined,
    collectorErrors: openTally(ledger, 'collectorErrors', COLLECTORS),
    ...more,
  };
}

const byName = (a: unknown, b: unknown): number => JSON.stringify(a).localeCompare(JSON.stringify(b));

const renderMetrics = async (from: Sources): Promise<string> =>
  (await createRenderers(from.options.labels).text(from)).toString();

it('a failing collector costs its own series only, and is counted in the same scrape', async () => {
  const loop = createVirtualLoop();
  loop.idle(500);
  const broken = {
    labels: { pool: 'broken' },
    get state() {
      throw new Error('broken');
    },
  } as unknown as PoolView;
  const text = await renderMetrics(sources(loop, { pools: [broken] }));
  expect(text).toContain('watchdog_eventloop_turns_total{thread="main"}');
  expect(text).toContain('watchdog_collector_errors_total{collector="pools"} 1');
  expect(text).toContain('watchdog_collector_errors_total{collector="eventloop"} 0');
  expect(text).not.toContain('watchdog_pool_');
});

it('says nothing of a loop before its first heartbeat, but that it starts', async () => {
  const loop = createVirtualLoop();
  loop.pass(1500);
  const text = await renderMetrics(sources(loop));
  expect(text).not.toMatch(/watchdog_(eventloop|stalls|stall_seconds|stall_duration|last)_/);
  expect(text).toContain('watchdog_startup_seconds 1.5');
});

it('puts the static labels on every series', async () => {
  const loop = createVirtualLoop();
  loop.idle(500);
  const { options } = sources(loop);
  const labelled = { ...options, labels: { app: 'a"b\\c\nd' } };
  const text = await renderMetrics(sources(loop, { options: labelled }));
  const { series } = parse(text);
  expect(series.size).toBeGreaterThan(40);
  for (const one of series.keys()) expect(one).toContain('app="a\\"b\\\\c\\nd"');
});

it('escapes what a function is called', async () => {
  const loop = createVirtualLoop();
  loop.idle(500);
  const all = sources(loop);
  const [main] = all.loops;
  const culprits = [{ culprit: 'say "\\o/" \ud83d\ude00 a.ts:1', seconds: 1.5 }];
  const text = await renderMetrics({ ...all, loops: [{ ...main, culprits }] });
  expect(text).toContain(
    'watchdog_culprit_stall_seconds_total{thread="main",culprit="say \\"\\\\o/\\" \ud83d\ude00 a.ts:1"} 1.5\n',
  );
});

it('names every metric once', () => {
  expect(new Set(METRIC_NAMES).size).toBe(METRIC_NAMES.length);
});

/** Sources of which every metric has something to tell. */
function fullSources(): Sources {
  const loop = createVirtualLoop();
  loop.idle(500);
  loop.busy(300);
  sampleDelay(loop.now(), loop.read(), loop.ledger, SIDECAR_OPTIONS.delayBuckets);
  const all = sources(loop);
  const [main] = all.loops;
  main.ledger.set('lastStallWallMs', 1);
  const resources = { ...main.resources, countedAtMs: 1 };
  const heap = { ...main.heap, totalBytes: 1, limitBytes: 1, survivedBytes: 1 };
  const seconds = { userSeconds: 1, systemSeconds: 1 };
  const taken = { buckets: [], sumMs: 0, count: 0 };
  const state = {
    capacity: 1,
    active: 1,
    saturation: 1,
    queueSize: 1,
    queueLimit: 1,
    threads: 1,
    completed: 1,
  };
  const times = { run: taken, wait: taken, oldestTaskMs: 1, dispatchBlockedMs: 1 };
  const culprits = [{ culprit: 'f a.ts:1', seconds: 1 }];
  return {
    ...all,
    loops: [
      { ...main, heap, resources, resourceTypes: ['Timeout'], times: { cpuMs: 1, runQueueMs: 1 }, culprits },
    ],
    usage: { ...seconds, residentBytes: 1, virtualBytes: 1, openFds: 1, maxFds: 1 },
    pools: [
      {
        labels: { pool: 'images' },
        state: { ...state, ...times },
        slow: { count: 1 },
        wallTimeOf: () => 1,
      } as unknown as PoolView,
    ],
    threadpool: { size: 4, busy: 1, probePendingMs: 0 },
    throttling: { periods: 1, throttledPeriods: 1, throttledSeconds: 1 },
    relayAgeMs: 1,
    relayDropped: openTally(all.ledger, 'relayDropped', DROP_REASONS),
    options: { ...all.options, journal: '/var/log/stalls.jsonl' },
  };
}

it('gives each series the labels of its definition', async () => {
  const text = await renderMetrics(fullSources());
  const found = new Map<string, Set<string>>();
  for (const [, series = '', inside = ''] of text.matchAll(
    /^((?:watchdog|process|nodejs)_\w+)(?:\{(.*)\})? /gm,
  )) {
    const name = METRIC_NAMES.includes(series) ? series : series.replace(/_(?:bucket|sum|count)$/, '');
    const labels = [...inside.matchAll(/(\w+)="/g)]
      .map(([, label]) => label)
      .filter((label) => label !== 'le');
    found.set(name, (found.get(name) ?? new Set()).add(labels.join()));
  }
  expect([...found].map(([name, labels]) => [name, ...labels])).toEqual(
    METRICS.map(({ name, labels }) => [name, labels.join()]),
  );
});

describe('the formats', () => {
  /** Labels in alphabetical order, bounds as numbers; without what only OpenMetrics has. */
  function series(text: string): Map<string, number> {
    const found = new Map<string, number>();
    for (const line of text.split('\n').filter((one) => /^[^#]/.test(one))) {
      const [, name = '', inside = '', value] = /^(\w+)(?:\{(.*)\})? (\S+)(?: # .*)?$/.exec(line) ?? [];
      if (name.endsWith('_created')) continue;
      const pairs = [...inside.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map(([, key = '', escaped = '']) => [
        key,
        key === 'le' && escaped !== '+Inf' ? String(Number(escaped)) : JSON.parse(`"${escaped}"`),
      ]);
      found.set(seriesName(name, Object.fromEntries(pairs)), Number(value));
    }
    return found;
  }

  const labels = { app: 'a"b\\c\nd', zone: 'größe' };

  it('say the same', async () => {
    const sources = fullSources();
    const renderers = createRenderers(labels);
    const text = series((await renderers.text(sources)).toString());
    expect(text.size).toBeGreaterThan(100);
    expect(series((await renderers.openMetrics(sources)).toString())).toEqual(text);
    const decoded = decode(await renderers.protobuf(sources));
    const counts = new Map(decoded.flatMap(({ metrics }) => metrics.flatMap((metric) => [...metric.series])));
    expect(counts).toEqual(text);
    expect(decoded.map(({ name, type, help }) => ({ name, type, help }))).toEqual(
      METRICS.map(({ name, type, help }) => ({ name, type, help })),
    );
  });

  it('OpenMetrics tells units that are in the name, and since when a counter counts', async () => {
    const sources = fullSources();
    const startedAt = wallTimeOf(sources.ledger, 'startedAt', sources.loops[0].stats.startedAtMs);
    const text = (await createRenderers({}).openMetrics(sources)).toString();
    for (const [, name, unit] of text.matchAll(/^# UNIT (\S+) (\S+)$/gm))
      expect(name).toMatch(new RegExp(`_${unit}$`));
    expect(text).toContain('# UNIT watchdog_eventloop_time_seconds seconds\n');
    expect(text).toContain(
      `\nwatchdog_eventloop_turns_created{thread="main"} ${Math.round(startedAt) / 1000}\n`,
    );
    // The kernel's, and a pool's, which may have worked before it was watched.
    expect(text).not.toMatch(/^watchdog_(thread_cpu|pool|cgroup)\w*_created/m);
    expect(text).toContain('_bucket{thread="main",le="1.0"}');
  });

  it('the buckets of stalls have exemplars where they can be told, and in text none', async () => {
    const sources = fullSources();
    const exemplar = {
      labels: { trace_id: 'abc', stall_id: '1-2-3' },
      value: 0.3,
      wallMs: 1_700_000_000_123,
    };
    const [main] = sources.loops;
    const all = { ...sources, loops: [{ ...main, exemplars: [undefined, exemplar] }] as const };
    const renderers = createRenderers({});
    expect((await renderers.text(all)).toString()).not.toContain('abc');
    expect((await renderers.openMetrics(all)).toString()).toMatch(
      /^watchdog_stall_duration_seconds_bucket\{.*le="0.1"\} \d+ # \{trace_id="abc",stall_id="1-2-3"\} 0.3 1700000000.123$/m,
    );
    const stalls = decode(await renderers.protobuf(all)).find(({ name }) => name === STALLS.duration.name);
    expect(stalls?.metrics[0]?.exemplars).toEqual([
      { labels: exemplar.labels, value: 0.3, timestamp: 1_700_000_000.123 },
    ]);
  });

  it('protobuf has native histograms, of which nothing is left out', async () => {
    const decoded = decode(await createRenderers({}).protobuf(fullSources()));
    const natives = decoded.flatMap(({ name, metrics }) =>
      metrics.flatMap(({ native }) => (native ? [[name, native] as const] : [])),
    );
    expect(natives.map(([name]) => name)).toEqual([
      'watchdog_eventloop_delay_seconds',
      'watchdog_stall_duration_seconds',
      'watchdog_threadpool_queue_delay_seconds',
    ]);
    for (const [, { count, zeroCount, zeroThreshold, buckets }] of natives) {
      expect(zeroCount + total([...buckets.values()])).toBe(count);
      expect(zeroThreshold).toBe(2 ** -10);
    }
    const delay = natives[0]?.[1] as Native;
    // Of a turn of 300 ms, a bucket has as many arrivals as it is milliseconds wide.
    expect([...delay.buckets].at(-1)?.[0]).toBeCloseTo(2 ** (-13 / 8));
    expect(delay.buckets.get(2 ** (-16 / 8))).toBeCloseTo(1000 * (2 ** (-16 / 8) - 2 ** (-17 / 8)), -1);
  });
});

it('names what prom-client has, too, as it does, but for what resets on scrape or is not known', () => {
  // Panels of these stay empty; METRICS.md says what is there in place of them.
  const without = [
    /^nodejs_eventloop_lag_(min|max|mean|stddev|p\d\d)_seconds$/,
    /^nodejs_active_(handles|requests|resources)/,
    /^nodejs_gc_duration_seconds$/,
    /^process_heap_bytes$/,
  ];
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const theirs = registry.getMetricsAsArray() as unknown as readonly {
    readonly name: string;
    readonly help: string;
    readonly labelNames: readonly string[];
  }[];
  const same = theirs.filter(({ name }) => !without.some((pattern) => pattern.test(name)));
  const shapeOf = ({ name, labels }: (typeof METRICS)[number]): unknown => ({ name, labels: [...labels] });
  const ours = METRICS.filter(({ name }) => !name.startsWith('watchdog_'));
  expect(ours.map(shapeOf).sort(byName)).toEqual(
    same.map(({ name, labelNames }) => ({ name, labels: labelNames })).sort(byName),
  );
  for (const { name, help } of ours)
    expect(help).toContain(same.find((one) => one.name === name)?.help.replace(/\.$/, ''));
});
