import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { METRICS } from '../../worker/metrics/names.js';
import { type Child, eventually, killChildren, NODE_MAJOR, startChild } from '../integration/child.js';
import { chart, type Dashboard, expressionsOf } from '../observability/lint/model.js';
import {
  type Client,
  createClient,
  type Service,
  startAlertmanager,
  startHook,
  startPrometheus,
  type Target,
} from './services.js';

// Three apps fall ill in three ways, a fourth stays well. A real Prometheus with the kit's rules, six times as fast, scrapes
// the sidecars (job "shop") and, for comparison, the apps' own endpoints (job "app").
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
  'NodejsWorkerPoolQueueFull critical flooded',
  'NodejsWorkerPoolSaturated critical flooded',
  'NodejsWorkerPoolSaturated warning flooded',
  'NodejsWorkerPoolStarved warning frozen',
];
const DOWN = 'NodejsWatchdogDown critical well';

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
let alertmanager: Service;
/** Unix seconds. */
let begunAt: number;
let thawedAt: number;
let endedAt: number;

async function alerts(): Promise<string[]> {
  const response = await fetch(`${alertmanager.url}/api/v2/alerts`);
  return ((await response.json()) as { labels: Record<string, string> }[])
    .map(({ labels }) => nameOf(labels))
    .sort();
}

/** Goes on until the test ends. */
async function noteAlerts(): Promise<void> {
  while (services.length > 0) {
    for (const name of await alerts().catch(() => [])) reached.add(name);
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
    args: [name, home, ...ports.map(String)],
    deadManMs: 300_000,
  });
  apps.set(name, app);
  return app.message<Ports>('ports');
}

beforeAll(async () => {
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
  services.push(hook, alertmanager, service);
  prometheus = createClient(service);
  void noteAlerts();
  await eventually(
    async () =>
      (await prometheus.query('sum_over_time(up[10s]) >= 5')).length === targets.length || undefined,
    'each target was scraped for a while',
  );

  begunAt = nowSeconds();
  for (const app of apps.values()) app.send({ begin: true });
  const frozen = apps.get('frozen') as Child;
  await frozen.message('thawed');
  thawedAt = nowSeconds();
  // What goes by averages over a while needs its while.
  await eventually(async () => {
    const there = await fired();
    return EXPECTED.every((name) => there.includes(name)) || nowSeconds() > thawedAt + 25;
  }, 'the alerts fire');
  await eventually(async () => nowSeconds() > thawedAt + 10, 'others had their chance');
  endedAt = nowSeconds();
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
    expect(value, metric.instance).toBeGreaterThanOrEqual(seconds - 1);
  }
  // But for the seconds at both ends, which may lie outside.
  const inside = `[${FREEZE_SECONDS - 4}s]`;
  const own = await prometheus.query(
    `max_over_time(up{job="app", instance="frozen"}${inside})`,
    thawedAt - 2,
  );
  expect(own.map(({ value }) => value)).toEqual([0]);
  const lag = 'watchdog_eventloop_lag_seconds{instance="frozen"}';
  const grown = await prometheus.query(`max_over_time(${lag}[${seconds}s])`, endedAt);
  expect(grown[0]?.value).toBeGreaterThan(FREEZE_SECONDS - 3);
});

it('the right alerts fire and no others, and reach Alertmanager', async () => {
  expect(await fired()).toEqual(EXPECTED);
  await eventually(() => reached.size >= EXPECTED.length || undefined, 'Alertmanager has them');
  expect([...reached].sort()).toEqual(EXPECTED);
});

it('Alertmanager tells of the critical one and keeps the warning of the same thing to itself', () => {
  expect(notified).toContain('NodejsEventLoopDelayHigh critical hot');
  expect(notified).not.toContain('NodejsEventLoopDelayHigh warning hot');
});

it('histogram_quantile over the delay histogram is the truth, within 5 %', async () => {
  const turns = (apps.get('hot') as Child).messages('turn') as { from: number; to: number }[];
  const seconds = 45;
  const lengths = turns
    .filter(({ from, to }) => from / 1000 >= endedAt - seconds && to / 1000 <= endedAt)
    .map(({ from, to }) => to - from);
  /** Share of the time at which an arrival waits longer than `ms`: that is what is left of each turn. */
  const waitsLonger = (ms: number): number =>
    lengths.reduce((sum, length) => sum + Math.max(0, length - ms), 0) / (seconds * 1000);
  const truth = (q: number): number => {
    let [low, high] = [0, Math.max(...lengths)];
    while (high - low > 0.01) {
      const middle = (low + high) / 2;
      if (waitsLonger(middle) > 1 - q) low = middle;
      else high = middle;
    }
    return high / 1000;
  };
  const report = [];
  for (const q of [0.9, 0.95, 0.99]) {
    const buckets = `rate(watchdog_eventloop_delay_seconds_bucket{instance="hot"}[${seconds}s])`;
    const [sample] = await prometheus.query(`histogram_quantile(${q}, ${buckets})`, endedAt);
    const ratio = (sample?.value as number) / truth(q);
    report.push(
      `p${q * 100}: ${sample?.value.toFixed(4)} s, true ${truth(q).toFixed(4)} s, ratio ${ratio.toFixed(3)}`,
    );
    expect(ratio, report.join('; ')).toBeGreaterThan(0.95);
    expect(ratio, report.join('; ')).toBeLessThan(1.05);
  }
  console.log(report.join('\n'));
});

const readKit = (file: string): Dashboard =>
  JSON.parse(readFileSync(new URL(`../../observability/${file}`, import.meta.url), 'utf8'));

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
  const names = (await prometheus.names()).filter((name) => name.startsWith('watchdog_'));
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

/** What the picture in the README shows: a panel of the dashboard and the process in which there is something to see. */
const PICTURE = [
  ['Event loop lag and delay', 'frozen'],
  ['Event loop lag and delay', 'hot'],
  ['Stall seconds by cause', '.+'],
  ['Starved', 'frozen'],
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
  await eventually(async () => !(await alerts()).includes(DOWN) || undefined, 'it is resolved');
  const beginnings = 'resets(watchdog_eventloop_delay_seconds_count{instance="well"}[2m]) > 0';
  await eventually(async () => (await prometheus.query(beginnings)).length > 0 || undefined, 'it began anew');
});

it.each(['dashboard.json', 'fleet.json'])('each expression of %s returns data', async (file) => {
  const missing = [...absent(await prometheus.names())];
  const expressions = expressionsOf(readKit(file));
  expect(expressions.length).toBeGreaterThan(10);
  for (const { where, expr } of expressions) {
    const query = chosen(expr, '.+');
    // At some moment: what shows the processes that are down shows nothing while all are up. The last step is now or
    // later, so that nothing that is there already is left out.
    const all = await prometheus.range(query, Math.floor(begunAt), Math.ceil(nowSeconds()));
    const shows = all.some(({ values }) => values.some(([, value]) => Number.isFinite(Number(value))));
    expect(shows || missing.some((name) => expr.includes(name)), `${where}: ${query}`).toBe(true);
  }
});
