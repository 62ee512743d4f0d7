import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { METRICS } from '../../worker/metrics/names.js';
import { chart, type Dashboard, expressionsOf } from '../observability/lint/model.js';
import { type Child, killChildren, NODE_MAJOR, startChild } from '../support/child.js';
import { eventually } from '../support/eventually.js';
import {
  type Client,
  createClient,
  type Service,
  startAlertmanager,
  startHook,
  startNativePrometheus,
  startPrometheus,
  type Target,
} from './services.js';
import {
  type Block,
  bucketOf,
  excess,
  interpolated,
  type Record as LoopRecord,
  quantileOf,
  type Turn,
  worstShare,
} from './truth.js';

// Three apps fall ill in three ways, a fourth stays well. A real Prometheus with the kit's rules, six times
// as fast, scrapes the sidecars (job "shop") and, for comparison, the apps' own endpoints (job "app").
const APPS = ['hot', 'flooded', 'frozen', 'well'] as const;
const FREEZE_SECONDS = 40;

const EXPECTED = [
  'NodejsEventLoopBlocked critical frozen',
  'NodejsEventLoopBlocked warning frozen',
  'NodejsEventLoopDelayHigh critical frozen',
  'NodejsEventLoopDelayHigh critical hot',
  'NodejsEventLoopDelayHigh warning frozen',
  'NodejsEventLoopDelayHigh warning hot',
  'NodejsStallBudgetBurn critical frozen',
  'NodejsStallBudgetBurn critical hot',
  'NodejsStallBudgetBurn warning frozen',
  'NodejsStallBudgetBurn warning hot',
  'NodejsThreadpoolSaturated critical flooded',
  'NodejsThreadpoolSaturated warning flooded',
  'NodejsWorkerPoolDispatchBlocked warning frozen',
  'NodejsWorkerPoolQueueFull critical flooded',
  'NodejsWorkerPoolSaturated critical flooded',
  'NodejsWorkerPoolSaturated warning flooded',
];
const DOWN = 'NodejsWatchdogDown critical well';

const seed = Number(process.env.WATCHDOG_PROOF_SEED ?? Date.now() % 2 ** 31);

const nowSeconds = (): number => Date.now() / 1000;
const nameOf = (labels: Readonly<Record<string, string>>): string =>
  `${labels.alertname} ${labels.severity} ${labels.instance}`;

const home = mkdtempSync(join(tmpdir(), 'watchdog-prometheus-'));
const services: Service[] = [];
const apps = new Map<string, Child>();
const notified = new Set<string>();
/** All that were in Alertmanager at one time or other, told of or kept back. */
const reached = new Set<string>();
let wellPorts: Ports;
let prometheus: Client;
/** Of the app that is hot, with native histograms. */
let native: Client;
let alertmanager: Service;
/** Unix seconds. */
let begunAt: number;
let thawedAt: number;
let endedAt: number;
let freeze: { readonly fromMs: number; readonly toMs: number };
/** What the loops did, by the apps' own accounts. */
const records = new Map<string, LoopRecord>();

interface Alert {
  readonly labels: Readonly<Record<string, string>>;
  readonly fingerprint: string;
  readonly status: { readonly state: string; readonly inhibitedBy: readonly string[] };
}

/** What is in Alertmanager now. */
async function alerts(): Promise<Map<string, Alert>> {
  const response = await fetch(`${alertmanager.url}/api/v2/alerts`);
  const all = (await response.json()) as Alert[];
  return new Map(all.map((alert) => [nameOf(alert.labels), alert]));
}

/** Goes on until the test ends. */
async function noteAlerts(): Promise<void> {
  while (services.length > 0) {
    for (const name of (await alerts().catch(() => new Map())).keys()) reached.add(name);
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
}

const fired = async (): Promise<string[]> =>
  (await prometheus.query('max_over_time(ALERTS{alertstate="firing"}[5m])'))
    .map(({ metric }) => nameOf(metric))
    .sort();

interface Ports {
  readonly watchdog: number;
  readonly app: number;
}

async function start(name: string, ...ports: number[]): Promise<Ports> {
  const app = startChild(fileURLToPath(new URL('app.mjs', import.meta.url)), {
    args: [name, home, String(seed), ...ports.map(String)],
    nodeArgs: ['--expose-gc'],
    deadManMs: 900_000,
  });
  apps.set(name, app);
  return app.message<Ports>('ports');
}

beforeAll(async () => {
  console.log(`seed ${seed}; repeat with WATCHDOG_PROOF_SEED=${seed}`);
  const targets: Target[] = [];
  for (const name of APPS) {
    const ports = await start(name);
    targets.push({ job: 'shop', instance: name, port: ports.watchdog });
    targets.push({ job: 'app', instance: name, port: ports.app });
    if (name === 'well') wellPorts = ports;
  }
  const hook = await startHook((labels) => notified.add(nameOf(labels)));
  alertmanager = await startAlertmanager(home, hook.url);
  const service = await startPrometheus(home, targets, alertmanager.url);
  const hot = targets.find(({ job, instance }) => job === 'shop' && instance === 'hot') as Target;
  const nativeService = await startNativePrometheus(home, hot);
  services.push(hook, alertmanager, service, nativeService);
  prometheus = createClient(service);
  native = createClient(nativeService);
  void noteAlerts();
  await eventually(
    async () =>
      (await prometheus.query('sum_over_time(up[10s]) >= 5')).length === targets.length || undefined,
    'each target was scraped for a while',
  );

  begunAt = nowSeconds();
  for (const app of apps.values()) app.send({ begin: true });
  const frozen = apps.get('frozen') as Child;
  freeze = await frozen.message('thawed');
  thawedAt = nowSeconds();
  // What goes by averages over a while needs its while.
  await eventually(async () => {
    const there = await fired();
    return EXPECTED.every((name) => there.includes(name)) || nowSeconds() > thawedAt + 60;
  }, 'the alerts fire');
  await eventually(async () => nowSeconds() > thawedAt + 10, 'others had their chance');
  endedAt = nowSeconds();
  for (const [name, app] of apps) {
    app.send({ tell: true });
    records.set(name, await app.message<LoopRecord>('record'));
  }
});

afterAll(async () => {
  await killChildren();
  await Promise.all(services.splice(0).map((service) => service.stop()));
  rmSync(home, { recursive: true, force: true });
});

it('no scrape of a sidecar failed, while the frozen app itself never answered', async () => {
  const seconds = Math.floor(endedAt - begunAt);
  const window = `[${seconds}s]`;
  for (const { metric, value } of await prometheus.query(`min_over_time(up{job="shop"}${window})`, endedAt)) {
    expect(value, metric.instance).toBe(1);
  }
  const scrapes = await prometheus.query(`count_over_time(up{job="shop"}${window})`, endedAt);
  expect(scrapes).toHaveLength(APPS.length);
  for (const { metric, value } of scrapes) {
    // One a second, but for those that Prometheus itself had no time for.
    expect(value, metric.instance).toBeGreaterThanOrEqual(seconds / 2);
  }
  // But for the seconds at both ends, in which it may have answered, or answered late.
  const inside = Math.floor((freeze.toMs - freeze.fromMs) / 1000) - 2;
  const own = await prometheus.query(
    `max_over_time(up{job="app", instance="frozen"}[${inside}s])`,
    freeze.toMs / 1000 - 1,
  );
  expect(own.map(({ value }) => value)).toEqual([0]);
  const lag = 'watchdog_eventloop_lag_seconds{instance="frozen"}';
  const grown = await prometheus.query(`max_over_time(${lag}[${seconds}s])`, endedAt);
  expect(grown[0]?.value).toBeGreaterThan(FREEZE_SECONDS - 3);
});

/** Of the time that an alert looks at, a part may lie outside: rate() goes on to the ends of its window. */
const NEARLY = 0.8;

/**
 * A machine with more to do than it can makes every loop late, and the alerts say so, rightly. Whether an
 * alert that is not of an ill is such a one is judged by that loop's own record: a necessary condition of
 * each.
 */
function isTrueOf(turns: readonly Turn[], alert: string): boolean {
  const stalledMs = turns.reduce((sum, { heldMs }) => sum + (heldMs >= 100 * NEARLY ? heldMs : 0), 0);
  switch (alert) {
    case 'NodejsEventLoopDelayHigh warning':
      return worstShare(turns, 10_000, 50) > 0.01 * NEARLY;
    case 'NodejsEventLoopDelayHigh critical':
      return worstShare(turns, 10_000, 200) > 0.01 * NEARLY;
    // Of five minutes, and of 50 s.
    case 'NodejsStallBudgetBurn warning':
      return stalledMs > 0.006 * 300_000 * NEARLY;
    case 'NodejsStallBudgetBurn critical':
      return stalledMs > 0.0144 * 50_000 * NEARLY;
    default:
      return false;
  }
}

function isOfTheMachine(name: string): boolean {
  const [alert, severity, instance = ''] = name.split(' ');
  return isTrueOf(records.get(instance)?.turns ?? [], `${alert} ${severity}`);
}

/** Without those that the machine is to blame for. */
const ofTheIlls = (names: Iterable<string>): string[] =>
  [...names].filter((name) => EXPECTED.includes(name) || !isOfTheMachine(name)).sort();

it('the right alerts fire and no others, and reach Alertmanager', async () => {
  expect(ofTheIlls(await fired())).toEqual(EXPECTED);
  await eventually(() => EXPECTED.every((name) => reached.has(name)), 'Alertmanager has them');
  expect(ofTheIlls(reached)).toEqual(EXPECTED);
});

it('Alertmanager tells of the critical one and keeps the warning of the same thing to itself', async () => {
  const critical = 'NodejsEventLoopDelayHigh critical hot';
  await eventually(() => notified.has(critical), critical);
  // It may have told of the warning before there was a critical one: a busy machine makes the loop late
  // earlier than we do.
  await eventually(async () => {
    const all = await alerts();
    const { state, inhibitedBy } = all.get('NodejsEventLoopDelayHigh warning hot')?.status ?? {};
    return state === 'suppressed' && inhibitedBy?.includes(all.get(critical)?.fingerprint ?? '');
  }, 'the warning is kept back');
});

const HOT = 'instance="hot", job="shop"';
const BUCKETS = `watchdog_eventloop_delay_seconds_bucket{${HOT}}`;
/** The kernel's accounts of a turn, and the watchdog's of milliseconds, are off by less. */
const OFF_MS = 10;
const OFF = 0.01;
/**
 * A loop that sleeps while the host takes the CPU from the whole virtual machine begins its turn late: the watchdog
 * counts that, and no account of the guest has it.
 */
const LATE = 0.05;

interface Taken {
  /** Unix seconds, as Prometheus has it: the begin of the scrape. */
  readonly at: number;
  readonly toMs: number;
}

/**
 * The first and the last scrape that came between two blocks: by then the one is booked, and the other has
 * not begun.
 */
async function scrapesBetween(
  blocks: readonly Block[],
  client: Client = prometheus,
): Promise<readonly [Taken, Taken]> {
  const seconds = Math.floor(endedAt - begunAt);
  const durations = await client.samples(`scrape_duration_seconds{${HOT}}`, seconds, endedAt);
  const scrapes = durations.map(([at, duration]): Taken => ({ at, toMs: (at + Number(duration)) * 1000 }));
  const between = scrapes.filter(({ at, toMs }) =>
    blocks.some((block, i) => {
      const next = blocks[i + 1];
      return next && at * 1000 > block.toMs + 1 && toMs < next.fromMs - 1;
    }),
  );
  expect(between.length).toBeGreaterThan(1);
  return [between[0] as Taken, between.at(-1) as Taken];
}

it('the delay histogram is the truth, and its quantiles as exact as the bounds allow', async () => {
  const { blocks, turns } = records.get('hot') as LoopRecord;
  const [first, last] = await scrapesBetween(blocks);
  // What the app surely did to its loop, and what was done to it at most, by the machine too.
  const least = blocks.filter(({ fromMs }) => fromMs > first.at * 1000 && fromMs < last.at * 1000);
  const most = turns.filter(({ atMs }) => atMs > first.at * 1000 && atMs < last.toMs);
  const increase = `(${BUCKETS} @ ${last.at} - ${BUCKETS} @ ${first.at})`;
  const counts = (await prometheus.query(increase, endedAt))
    .map(({ metric, value }) => ({ boundMs: Number(metric.le?.replace('+Inf', 'Infinity')) * 1000, value }))
    .sort((a, b) => a.boundMs - b.boundMs);
  const wallMs = counts.at(-1)?.value as number;
  // One arrival in each millisecond between the two.
  expect(wallMs).toBeGreaterThan((last.at - first.at) * 1000 - (first.toMs - first.at * 1000) - OFF_MS);
  expect(wallMs).toBeLessThan(last.toMs - first.at * 1000 + OFF_MS);
  for (const { boundMs, value } of counts) {
    const longer = wallMs - value;
    expect(longer, `over ${boundMs} ms`).toBeGreaterThanOrEqual(excess(least, boundMs) * (1 - OFF) - OFF_MS);
    expect(longer, `over ${boundMs} ms`).toBeLessThanOrEqual(excess(most, boundMs) * (1 + LATE) + OFF_MS);
  }

  const bounds = counts.slice(0, -1).map(({ boundMs }) => boundMs);
  const report = [`${least.length} blocks in ${(wallMs / 1000).toFixed(0)} s`];
  for (const q of [0.5, 0.9, 0.95, 0.99]) {
    const [sample] = await prometheus.query(`histogram_quantile(${q}, ${increase})`, endedAt);
    const toldMs = (sample?.value as number) * 1000;
    const [fewest, mostly] = [least, most].map((some) => interpolated(some, wallMs, bounds, q)) as [
      number,
      number,
    ];
    const truths = [least, most].map((some) => quantileOf(some, wallMs, q)) as [number, number];
    const [lower, upper] = bucketOf(bounds, toldMs);
    report.push(
      `p${q * 100}: ${toldMs.toFixed(1)} ms; by the app's record, interpolated as well, ${fewest.toFixed(1)} to ` +
        `${mostly.toFixed(1)} ms; exactly ${truths.map((ms) => ms.toFixed(1)).join(' to ')} ms; its bucket, ` +
        `${lower} to ${upper} ms, allows it to be off by ${upper - lower} ms`,
    );
    expect(toldMs, report.at(-1)).toBeGreaterThanOrEqual(fewest * (1 - OFF) - 1);
    expect(toldMs, report.at(-1)).toBeLessThanOrEqual(mostly * (1 + LATE) + 1);
    // The error of a quantile is less than the width of the bucket that the truth lies in.
    expect(truths[1], report.at(-1)).toBeGreaterThanOrEqual(lower * (1 - OFF) - 1);
    expect(truths[0], report.at(-1)).toBeLessThanOrEqual(upper * (1 + OFF) + 1);
  }
  console.log(report.join('\n'));
});

/** A quantile of a native histogram is exact, but for what is interpolated within 9 %, and what Prometheus adds. */
const NATIVE_OFF = 0.05;

it('the native histogram of the delay is the truth, quantiles and all', async () => {
  const { blocks, turns } = records.get('hot') as LoopRecord;
  const [first, last] = await scrapesBetween(blocks, native);
  const least = blocks.filter(({ fromMs }) => fromMs > first.at * 1000 && fromMs < last.at * 1000);
  const most = turns.filter(({ atMs }) => atMs > first.at * 1000 && atMs < last.toMs);
  const delay = `watchdog_eventloop_delay_seconds{${HOT}}`;
  const [count] = await native.query(
    `histogram_count(${delay} @ ${last.at}) - histogram_count(${delay} @ ${first.at})`,
  );
  const wallMs = count?.value as number;
  expect(wallMs).toBeGreaterThan(((last.at - first.at) * 1000 - (first.toMs - first.at * 1000)) * (1 - OFF));
  expect(wallMs).toBeLessThan((last.toMs - first.at * 1000) * (1 + OFF));

  const window = `[${Math.round((last.at - first.at) * 1000)}ms] @ ${last.at}`;
  const report = [`native, ${least.length} blocks in ${(wallMs / 1000).toFixed(0)} s`];
  for (const q of [0.5, 0.9, 0.99]) {
    const [sample] = await native.query(`histogram_quantile(${q}, rate(${delay}${window}))`);
    const toldMs = (sample?.value as number) * 1000;
    const [low, high] = [least, most].map((some) => quantileOf(some, wallMs, q)) as [number, number];
    report.push(
      `p${q * 100}: ${toldMs.toFixed(1)} ms; by the app's record ${low.toFixed(1)} to ${high.toFixed(1)} ms`,
    );
    expect(toldMs, report.at(-1)).toBeGreaterThanOrEqual(low * (1 - NATIVE_OFF) - 1);
    expect(toldMs, report.at(-1)).toBeLessThanOrEqual(high * (1 + NATIVE_OFF) + 1);
  }
  console.log(report.join('\n'));
});

it('a bar of the stall durations leads to a stall', async () => {
  const stalls = readFileSync(join(home, 'hot.jsonl'), 'utf8')
    .trim()
    .split('\n')
    .map((line) => (JSON.parse(line) as { stall: { id: string } }).stall.id);
  for (const [client, series] of [
    [prometheus, `watchdog_stall_duration_seconds_bucket{${HOT}}`],
    [native, `watchdog_stall_duration_seconds{${HOT}}`],
  ] as const) {
    const exemplars = await client.exemplars(series, begunAt, endedAt);
    expect(exemplars.length, series).toBeGreaterThan(1);
    for (const { stall_id } of exemplars) expect(stalls).toContain(stall_id);
  }
});

const readKit = (file: string): Dashboard =>
  JSON.parse(readFileSync(new URL(`../../observability/grafana/${file}`, import.meta.url), 'utf8'));

/** The expression as Grafana asks it, with these processes chosen. */
function chosen(expr: string, instance: string): string {
  return expr
    .replaceAll('$instance', instance)
    .replaceAll('$__rate_interval', '10s')
    .replaceAll('$__range', '2m')
    .replace(/\$\w+/g, '.+');
}

/** Metrics that cannot exist here, and why. */
const absent = (names: readonly string[]): Set<string> =>
  new Set([
    // No CPU quota on this machine.
    ...METRICS.map(({ name }) => name).filter((name) => name.includes('_cgroup_') && !names.includes(name)),
    ...(NODE_MAJOR < 22 || process.platform !== 'linux' ? ['watchdog_threadpool_busy_threads'] : []),
  ]);

it('every metric that is documented is scraped, and every one that is scraped is documented', async () => {
  const all = (await prometheus.names()).filter((name) => /^(?:watchdog|process|nodejs)_/.test(name));
  // What OpenMetrics adds: since when a counter counts.
  const names = all.filter((name) => !name.endsWith('_created'));
  const counters = METRICS.filter(({ since }) => since);
  expect(all.filter((name) => name.endsWith('_created')).sort()).toEqual(
    counters.map(({ name }) => `${name.replace(/_total$/, '')}_created`).sort(),
  );
  const families = new Set(
    names.map(
      (name) => METRICS.find((one) => name === one.name)?.name ?? name.replace(/_(bucket|sum|count)$/, ''),
    ),
  );
  const missing = absent(names);
  expect([...families].sort()).toEqual(
    METRICS.map(({ name }) => name)
      .filter((name) => !missing.has(name))
      .sort(),
  );
});

/**
 * What the picture shows to which the README leads: a panel of the dashboard and the process in which there
 * is something to see.
 */
const PICTURE = [
  ['Event loop lag and delay', 'frozen'],
  ['Event loop lag and delay', 'hot'],
  ['Stall seconds by cause', '.+'],
  ['Dispatch blocked', 'frozen'],
  ['Queue', 'flooded'],
  ['Wait for a libuv thread', 'flooded'],
] as const;

it.runIf(process.env.WATCHDOG_PICTURE_DATA)('gives its data to the picture', async () => {
  const dashboard = readKit('dashboard.json');
  const from = Math.floor(begunAt) - 3;
  const panels = [];
  for (const [title, instance] of PICTURE) {
    const { targets = [], fieldConfig } = chart(dashboard, title);
    const series = [];
    for (const { expr, legendFormat = '' } of targets) {
      for (const { metric, values } of await prometheus.range(chosen(expr, instance), from, endedAt)) {
        const name = legendFormat.replace(/\{\{(\w+)\}\}/g, (_, label: string) => metric[label] ?? '');
        series.push({ name, values });
      }
    }
    panels.push({ title, instance, unit: fieldConfig?.defaults.unit, from, series });
  }
  const [build] = await prometheus.query('watchdog_build_info{instance="hot"}', endedAt);
  const { version, node_version: node } = build?.metric ?? {};
  writeFileSync(process.env.WATCHDOG_PICTURE_DATA as string, JSON.stringify({ version, node, panels }));
});

it('a process that is gone is told of, until it is back', async () => {
  await apps.get('well')?.kill();
  await eventually(() => notified.has(DOWN) || undefined, DOWN);
  await start('well', wellPorts.watchdog, wellPorts.app);
  await eventually(async () => !(await alerts()).has(DOWN), 'it is resolved');
  const beginnings = 'resets(watchdog_eventloop_delay_seconds_count{instance="well"}[2m]) > 0';
  await eventually(async () => (await prometheus.query(beginnings)).length > 0 || undefined, 'it began anew');
});

it('the tables of the worst lines tell who blocks the loop, and nobody is blamed for more than there was', async () => {
  for (const file of ['dashboard.json', 'fleet.json']) {
    const [worst] = chart(readKit(file), 'Worst lines').targets ?? [];
    const query = chosen(worst?.expr ?? '', 'hot');
    await eventually(async () => {
      const lines = await prometheus.query(query);
      return lines.some(
        ({ metric, value }) => /^hold app\.mjs:\d+$/.test(metric.culprit ?? '') && value > 0.1,
      );
    }, `${file} tells: ${query}`);
  }
  // What a line begins with is told later.
  const finished = `sum(watchdog_stall_duration_seconds_sum{${HOT}})`;
  const query = `${finished} - sum(watchdog_culprit_stall_seconds_total{${HOT}})`;
  const [untold] = await prometheus.query(query);
  expect(untold?.value).toBeGreaterThan(-1e-6);
});

it.each(['dashboard.json', 'fleet.json'])('each expression of %s returns data', async (file) => {
  const missing = [...absent(await prometheus.names())];
  const expressions = expressionsOf(readKit(file));
  expect(expressions.length).toBeGreaterThan(10);
  for (const { where, expr } of expressions) {
    const query = chosen(expr, '.+');
    // At some moment: what shows the processes that are down shows nothing while all are up. The last step is
    // now or later, so that nothing that is there already is left out.
    const all = await prometheus.range(query, Math.floor(begunAt), Math.ceil(nowSeconds()));
    const shows = all.some(({ values }) => values.some(([, value]) => Number.isFinite(Number(value))));
    expect(shows || missing.some((name) => expr.includes(name)), `${where}: ${query}`).toBe(true);
  }
});
