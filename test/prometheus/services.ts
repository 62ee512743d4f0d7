import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';
import { eventually } from '../support/eventually.js';
import { freePort } from '../support/free-port.js';

const kit = new URL('../../observability/', import.meta.url);
const readYaml = (file: string): unknown => parse(readFileSync(new URL(file, kit), 'utf8'));

/** All durations of the rules are divided by this, so that hours pass in minutes. */
const FASTER = 6;
const SCRAPE_EVERY = '1s';

/** `30s` of the rules in the time of this test. */
export function faster(duration: string): string {
  const [, count, unit] = /^(\d+)([smh])$/.exec(duration) ?? [];
  const seconds = { s: 1, m: 60, h: 3600 }[unit as 's' | 'm' | 'h'];
  return `${Math.round((Number(count) * seconds * 1000) / FASTER)}ms`;
}

interface Rule {
  alert?: string;
  expr: string;
  for?: string;
}
interface Rules {
  groups: { interval: string; rules: Rule[] }[];
}

function fasterRules(file: string): Rules {
  const rules = readYaml(`prometheus/${file}`) as Rules;
  for (const group of rules.groups) {
    group.interval = SCRAPE_EVERY;
    for (const rule of group.rules) {
      rule.expr = rule.expr.replace(/\[(\w+)\]/g, (_, window: string) => `[${faster(window)}]`);
      // The maximum of 60 s is the sidecar's; it does not pass any faster.
      if (rule.for && !rule.expr.includes('watchdog_sidecar_lag_max_seconds')) rule.for = faster(rule.for);
    }
  }
  return rules;
}

export interface Target {
  readonly job: string;
  readonly instance: string;
  readonly port: number;
}

export interface Sample {
  readonly metric: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface Service {
  readonly url: string;
  stop(): Promise<void>;
}

/** Runs a service of Debian's until it says that it is ready. */
async function run(commands: readonly string[], args: (port: number) => string[]): Promise<Service> {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  let log = '';
  let child: ChildProcess | undefined;
  for (const command of commands) {
    const one = spawn(command, args(port), { stdio: ['ignore', 'ignore', 'pipe'] });
    one.stderr?.on('data', (data) => {
      log += data;
    });
    child = await once(one, 'spawn').then(
      () => one,
      () => undefined,
    );
    if (child) break;
  }
  if (!child) {
    throw new Error(
      `There is no ${commands.join(' or ')} on the PATH. On Debian: apt-get install prometheus prometheus-alertmanager`,
    );
  }
  const running = child;
  await eventually(async () => {
    if (running.exitCode !== null) throw new Error(log);
    return (await fetch(`${url}/-/ready`)).ok;
  }, `${commands[0]} is ready: ${log}`);
  return {
    url,
    async stop() {
      if (running.exitCode !== null) return;
      running.kill('SIGKILL');
      await once(running, 'exit');
    },
  };
}

/** Prometheus with the rules of the kit, all durations shortened. It asks for OpenMetrics. */
export function startPrometheus(
  home: string,
  targets: readonly Target[],
  alertmanager: string,
): Promise<Service> {
  const jobs = [...new Set(targets.map(({ job }) => job))];
  for (const file of ['rules.yml', 'alerts.yml'])
    writeFileSync(join(home, file), stringify(fasterRules(file)));
  const config = {
    global: { ...SCRAPES, evaluation_interval: SCRAPE_EVERY },
    rule_files: ['rules.yml', 'alerts.yml'],
    alerting: { alertmanagers: [{ static_configs: [{ targets: [new URL(alertmanager).host] }] }] },
    scrape_configs: jobs.map((job) =>
      scrapeConfig(
        job,
        targets.filter((target) => target.job === job),
      ),
    ),
  };
  return runPrometheus(home, 'prometheus', config, 'exemplar-storage');
}

/**
 * Prometheus that asks for protobuf, and takes the native histograms of it: by default it leaves out the classic
 * buckets then, by which the kit's rules go, so it has none of these.
 */
export function startNativePrometheus(home: string, target: Target): Promise<Service> {
  const config = { global: SCRAPES, scrape_configs: [scrapeConfig(target.job, [target])] };
  return runPrometheus(home, 'native', config, 'native-histograms,exemplar-storage');
}

const SCRAPES = { scrape_interval: SCRAPE_EVERY, scrape_timeout: SCRAPE_EVERY };

const scrapeConfig = (job: string, targets: readonly Target[]): object => ({
  job_name: job,
  static_configs: targets.map(({ instance, port }) => ({
    targets: [`127.0.0.1:${port}`],
    labels: { instance },
  })),
});

function runPrometheus(home: string, name: string, config: object, features: string): Promise<Service> {
  const file = join(home, `${name}.yml`);
  writeFileSync(file, stringify(config));
  return run(['prometheus'], (port) => [
    `--config.file=${file}`,
    `--storage.tsdb.path=${join(home, name)}`,
    `--web.listen-address=127.0.0.1:${port}`,
    `--enable-feature=${features}`,
  ]);
}

interface Route {
  group_wait?: string;
  group_interval?: string;
  repeat_interval?: string;
  routes?: Route[];
}

/** Waits of the example are for people; a test wants to hear at once. */
function hasten(route: Route): void {
  Object.assign(route, { group_wait: '1s', group_interval: '1s', repeat_interval: '1h' });
  route.routes?.forEach(hasten);
}

/** Alertmanager with the configuration of the kit, but for its receivers: all of them are one web hook. */
export function startAlertmanager(home: string, hook: string): Promise<Service> {
  const config = readYaml('alertmanager/alertmanager.yml') as { route: Route; receivers: { name: string }[] };
  hasten(config.route);
  config.receivers = config.receivers.map(({ name }) => ({ name, webhook_configs: [{ url: hook }] }));
  const file = join(home, 'alertmanager.yml');
  writeFileSync(file, stringify(config));
  mkdirSync(join(home, 'alertmanager'));
  return run(['prometheus-alertmanager', 'alertmanager'], (port) => [
    `--config.file=${file}`,
    `--storage.path=${join(home, 'alertmanager')}`,
    `--web.listen-address=127.0.0.1:${port}`,
    '--cluster.listen-address=',
  ]);
}

/** Where Alertmanager sends its notifications. */
export async function startHook(onAlert: (labels: Record<string, string>) => void): Promise<Service> {
  const server: Server = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    const { alerts } = JSON.parse(body) as { alerts: { status: string; labels: Record<string, string> }[] };
    for (const { status, labels } of alerts) if (status === 'firing') onAlert(labels);
    response.end();
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async stop() {
      server.closeAllConnections();
      server.close();
    },
  };
}

export interface Series {
  readonly metric: Readonly<Record<string, string>>;
  /** Unix seconds and value. */
  readonly values: readonly (readonly [number, string])[];
}

/** The API of Prometheus. All moments are Unix seconds. */
export interface Client {
  /** All that was scraped of one series in the seconds before a moment. */
  samples(series: string, seconds: number, at: number): Promise<Series['values']>;
  query(query: string, at?: number): Promise<Sample[]>;
  /** One value a second. */
  range(query: string, start: number, end: number): Promise<Series[]>;
  /** Of all metrics. */
  names(): Promise<string[]>;
  /** Labels of all exemplars of these series. */
  exemplars(series: string, start: number, end: number): Promise<Readonly<Record<string, string>>[]>;
}

export function createClient({ url }: Service): Client {
  async function ask<T>(path: string, parameters: Record<string, string>): Promise<T> {
    const response = await fetch(`${url}/api/v1/${path}`, {
      method: 'POST',
      body: new URLSearchParams(parameters),
    });
    const { status, data, error } = (await response.json()) as { status: string; data: T; error?: string };
    if (status !== 'success') throw new Error(`${error}: ${JSON.stringify(parameters)}`);
    return data;
  }
  return {
    async samples(series, seconds, at) {
      const { result } = await ask<{ result: Series[] }>('query', {
        query: `${series}[${seconds}s]`,
        time: String(at),
      });
      return result[0]?.values ?? [];
    },
    async query(query, at) {
      const { result } = await ask<{ result: { metric: Record<string, string>; value: [number, string] }[] }>(
        'query',
        { query, ...(at !== undefined && { time: String(at) }) },
      );
      return result.map(({ metric, value }) => ({ metric, value: Number(value[1]) }));
    },
    async range(query, start, end) {
      const { result } = await ask<{ result: Series[] }>('query_range', {
        query,
        start: String(start),
        end: String(end),
        step: '1',
      });
      return result;
    },
    async exemplars(query, start, end) {
      const found = await ask<{ exemplars: { labels: Record<string, string> }[] }[]>('query_exemplars', {
        query,
        start: String(start),
        end: String(end),
      });
      return found.flatMap(({ exemplars }) => exemplars.map(({ labels }) => labels));
    },
    async names() {
      const response = await fetch(`${url}/api/v1/label/__name__/values`);
      return ((await response.json()) as { data: string[] }).data;
    },
  };
}
