import { collectDefaultMetrics, Registry } from 'prom-client';
import { expect, it } from 'vitest';
import { COLLECTORS, DROP_REASONS } from '../../../../src/shared/labels.js';
import { GC, HEAP, LEDGER, PROCESS_STATE, RESOURCES } from '../../../../src/shared/layout.js';
import { allocate, openReader } from '../../../../src/shared/regions.js';
import { openLedger, openTally } from '../../../../worker/counters.js';
import { METRIC_NAMES, METRICS } from '../../../../worker/metrics/names.js';
import { createRenderer } from '../../../../worker/metrics/render.js';
import type { Sources } from '../../../../worker/metrics/sources.js';
import type { PoolView } from '../../../../worker/pools/pool.js';
import { parse } from '../../../support/scrape.js';
import { SIDECAR_OPTIONS } from '../../../support/sidecar-options.js';
import { createVirtualLoop, type VirtualLoop } from '../../../support/virtual-loop.js';

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

const renderMetrics = (from: Sources): Promise<string> => createRenderer(from.options.labels)(from);

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

it('gives each series the labels of its definition', async () => {
  const loop = createVirtualLoop();
  loop.idle(500);
  loop.busy(300);
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
  const text = await renderMetrics({
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
  });
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
