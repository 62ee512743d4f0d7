import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { serviceDiscovery } from '../../worker/processes/discovery.js';
import { promtool, SKIP_PROMTOOL } from '../support/promtool.js';
import { read, readYaml } from './files.js';

const home = mkdtempSync(join(tmpdir(), 'watchdog-deploy-'));
afterAll(() => rmSync(home, { recursive: true }));

interface Job {
  job_name: string;
  scrape_interval?: string;
  metrics_path?: string;
  kubernetes_sd_configs?: unknown;
  http_sd_configs?: { url: string }[];
  static_configs?: { targets: string[]; labels?: Readonly<Record<string, string>> }[];
}
interface PrometheusConfig {
  global?: { scrape_interval: string };
  scrape_configs: Job[];
}

/** Has promtool check a configuration beside the rules, with files for those in `secrets/` that it names. */
function checkConfig(config: PrometheusConfig): string {
  const text = stringify(config);
  for (const [file] of text.matchAll(/secrets\/[\w.-]+/g)) {
    mkdirSync(dirname(join(home, file)), { recursive: true });
    writeFileSync(join(home, file), '');
  }
  for (const file of ['rules.yml', 'alerts.yml']) writeFileSync(join(home, file), read(`prometheus/${file}`));
  writeFileSync(join(home, 'prometheus.yml'), text);
  return promtool(['check', 'config', 'prometheus.yml'], { cwd: home });
}

type Labels = Readonly<Record<string, string>>;

/**
 * What Prometheus makes of targets that have been discovered with these labels; a target that it drops is
 * `{}`.
 */
function relabelled(config: PrometheusConfig, name: string, discovered: readonly Labels[]): Labels[] {
  const { http_sd_configs: _http, kubernetes_sd_configs: _pods, ...job } = jobOf(config, name);
  const targets = discovered.map(({ __address__ = '', ...labels }) => ({ targets: [__address__], labels }));
  const file = join(home, `${name}.yml`);
  writeFileSync(file, stringify({ scrape_configs: [{ ...job, static_configs: targets }] }));
  // It waits for more until the time is over.
  const found = promtool(['check', 'service-discovery', '--timeout=1s', file, name]);
  return (JSON.parse(found) as { discoveredLabels: Labels; labels?: Labels }[])
    .sort(
      (a, b) =>
        discovered.findIndex(({ __address__ }) => __address__ === a.discoveredLabels.__address__) -
        discovered.findIndex(({ __address__ }) => __address__ === b.discoveredLabels.__address__),
    )
    .map(({ labels }) => labels ?? {});
}

const jobOf = ({ scrape_configs }: PrometheusConfig, name: string): Job =>
  scrape_configs.find(({ job_name }) => job_name === name) as Job;

describe('prometheus/scrape.example.yml', () => {
  const config = readYaml<PrometheusConfig>('prometheus/scrape.example.yml');

  it.skipIf(SKIP_PROMTOOL)('is a configuration that Prometheus takes, with rules and all', () => {
    // Debian builds promtool without the discovery of Kubernetes: that is taken out, and must be what it
    // always is.
    const scrape_configs = config.scrape_configs.map(({ kubernetes_sd_configs, ...job }) => {
      if (job.job_name.startsWith('kubernetes-')) expect(kubernetes_sd_configs).toEqual([{ role: 'pod' }]);
      else expect(kubernetes_sd_configs).toBeUndefined();
      return job;
    });
    const found = checkConfig({ ...config, scrape_configs });
    expect(found).toMatch(/rules\.yml\s+SUCCESS: \d+ rules/);
    expect(found).toMatch(/alerts\.yml\s+SUCCESS: \d+ rules/);
    expect(found).not.toContain('FAILED');
  });

  it('scrapes every 15 s, the longest that the alerts bear', () => {
    expect(config.global?.scrape_interval).toBe('15s');
    for (const { scrape_interval } of config.scrape_configs) expect(scrape_interval).toBeUndefined();
  });

  it.skipIf(SKIP_PROMTOOL)('finds each container port of a pod by one of the two ways at most', () => {
    const pod = (address: string, port: string, labels: Labels = {}): Labels => ({
      __address__: address,
      __meta_kubernetes_namespace: 'web',
      __meta_kubernetes_pod_name: 'shop-1',
      __meta_kubernetes_pod_node_name: 'node-7',
      __meta_kubernetes_pod_phase: 'Running',
      __meta_kubernetes_pod_container_port_name: port,
      __meta_kubernetes_pod_container_port_number: address.replace(/^.*:/, ''),
      __meta_kubernetes_pod_label_app_kubernetes_io_name: 'shop',
      ...labels,
    });
    const annotated = {
      __meta_kubernetes_pod_annotation_prometheus_io_scrape: 'true',
      __meta_kubernetes_pod_annotation_prometheus_io_port: '9464',
    };
    const cases: [Labels, 'by name' | 'by annotation' | 'not at all'][] = [
      [pod('10.0.0.1:9464', 'watchdog'), 'by name'],
      [pod('10.0.0.1:3000', 'http'), 'not at all'],
      // Both ways lead to it.
      [pod('10.0.0.2:9464', 'watchdog', annotated), 'by name'],
      [pod('10.0.0.2:3000', 'http', annotated), 'not at all'],
      // The port has another name.
      [pod('10.0.0.3:9464', 'metrics', annotated), 'by annotation'],
      [pod('10.0.0.3:3000', 'http', annotated), 'not at all'],
      [pod('10.0.0.4:9464', 'metrics'), 'not at all'],
      [pod('10.0.0.5:9464', 'watchdog', { __meta_kubernetes_pod_phase: 'Succeeded' }), 'not at all'],
      [pod('10.0.0.6:9464', 'm', { ...annotated, __meta_kubernetes_pod_phase: 'Failed' }), 'not at all'],
    ];
    const targets = cases.map(([labels]) => labels);
    const named = relabelled(config, 'kubernetes-pods-watchdog', targets);
    const noted = relabelled(config, 'kubernetes-pods-annotated', targets);
    for (const [i, [{ __address__ = '' }, way]] of cases.entries()) {
      const ways = [
        ...(named[i]?.__address__ ? ['by name'] : []),
        ...(noted[i]?.__address__ ? ['by annotation'] : []),
      ];
      expect(ways, __address__).toEqual(way === 'not at all' ? [] : [way]);
    }
    const labels = {
      __scheme__: 'http',
      __metrics_path__: '/metrics',
      job: 'web/shop',
      instance: 'shop-1:9464',
      namespace: 'web',
      pod: 'shop-1',
      node: 'node-7',
    };
    expect(named[0]).toMatchObject({ ...labels, __address__: '10.0.0.1:9464' });
    expect(noted[4]).toMatchObject({ ...labels, __address__: '10.0.0.3:9464' });
  });

  it.skipIf(SKIP_PROMTOOL)('takes what /sd lists as it is', () => {
    for (const { url } of jobOf(config, 'shop-hosts').http_sd_configs ?? []) {
      expect(new URL(url).pathname).toBe('/sd');
    }
    const listed = serviceDiscovery(
      [
        { pid: 7, startedAt: undefined, port: 9464, host: '0.0.0.0', worker: 0, tls: false },
        { pid: 8, startedAt: undefined, port: 9465, host: '0.0.0.0', worker: 1, tls: true },
      ],
      'shop',
      'shop-1.example',
    ).map(({ targets: [address = ''], labels }) => ({ __address__: address, ...labels }));
    const found = relabelled(config, 'shop-hosts', listed);
    const labels = { job: 'shop-hosts', __metrics_path__: '/metrics' };
    expect(found).toMatchObject([
      { ...labels, instance: 'shop-1.example:9464', worker: '0', __scheme__: 'http' },
      { ...labels, instance: 'shop-1.example:9465', worker: '1', __scheme__: 'https' },
    ]);
  });
});

describe('opentelemetry/collector.yaml', () => {
  interface Collector {
    receivers: { prometheus: { config: PrometheusConfig } };
    service: { pipelines: Record<string, Record<string, string[]>> };
  }
  const collector = readYaml<Collector & Record<string, Record<string, unknown>>>(
    'opentelemetry/collector.yaml',
  );

  it('uses what it defines and defines what it uses', () => {
    for (const kind of ['receivers', 'processors', 'exporters'] as const) {
      const used = Object.values(collector.service.pipelines).flatMap((pipeline) => pipeline[kind]);
      expect(used.sort(), kind).toEqual(Object.keys(collector[kind] ?? {}).sort());
    }
  });

  it.skipIf(SKIP_PROMTOOL)('scrapes as Prometheus would', () => {
    const text = stringify(collector.receivers.prometheus.config);
    // `$$` is how the Collector writes `$`.
    expect(text.replaceAll('$$', '')).not.toContain('$');
    const config = parse(text.replaceAll('$$', '$')) as PrometheusConfig;
    expect(checkConfig(config)).toContain('SUCCESS');
    for (const { scrape_interval } of config.scrape_configs) expect(scrape_interval).toBe('15s');
  });
});
