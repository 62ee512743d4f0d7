import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Deployment } from 'kubernetes-types/apps/v1.js';
import type { Probe } from 'kubernetes-types/core/v1.js';
import type { NetworkPolicy } from 'kubernetes-types/networking/v1.js';
import { afterAll, describe, expect, it } from 'vitest';
import { parse, parseDocument, stringify } from 'yaml';
import { OPTIONS } from '../../src/options.js';
import { createRoutes, type RouteSources } from '../../worker/http/routes.js';
import { promtool, SKIP_PROMTOOL } from '../promtool.js';

const kit = new URL('../../observability/', import.meta.url);
const read = (file: string): string => readFileSync(new URL(file, kit), 'utf8');

/**
 * The one document of a file. YAML 1.1 (Kubernetes, Prometheus) and 1.2 must read the same in it: not so with `0440`, `on`.
 */
function readYaml<T>(file: string): T {
  const document = parseDocument(read(file), { strict: true, uniqueKeys: true });
  expect([...document.errors, ...document.warnings], file).toEqual([]);
  const value: T = document.toJS();
  expect(parse(read(file), { version: '1.1' }), `${file} as YAML 1.1`).toEqual(value);
  return value;
}

/** All that the sidecar answers to. */
const paths = Object.keys(createRoutes({ guard: {}, debug: {} } as RouteSources));

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
  for (const file of ['rules.yml', 'alerts.yml']) writeFileSync(join(home, file), read(file));
  writeFileSync(join(home, 'prometheus.yml'), text);
  return promtool(['check', 'config', 'prometheus.yml'], { cwd: home });
}

type Labels = Readonly<Record<string, string>>;

/** What Prometheus makes of targets that have been discovered with these labels; a target that it drops is `{}`. */
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

describe('scrape.example.yml', () => {
  const config = readYaml<PrometheusConfig>('scrape.example.yml');

  it.skipIf(SKIP_PROMTOOL)('is a configuration that Prometheus takes, with rules and all', () => {
    // Debian builds promtool without the discovery of Kubernetes: that is taken out, and must be what it always is.
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

  it.skipIf(SKIP_PROMTOOL)('takes the host of a listed process from where the list came from', () => {
    for (const { url } of jobOf(config, 'shop-hosts').http_sd_configs ?? []) {
      expect(new URL(url).pathname).toBe('/sd');
    }
    const found = relabelled(config, 'shop-hosts', [
      { __address__: '10.0.0.5:9465', __meta_url: 'http://shop-1.example:9464/sd' },
      { __address__: 'localhost:9466', __meta_url: 'https://10.0.0.1:9464/sd' },
      { __address__: '[::1]:9467', __meta_url: 'http://[fd00::5]:9464/sd' },
    ]);
    expect(found.map(({ __address__ }) => __address__)).toEqual([
      'shop-1.example:9465',
      '10.0.0.1:9466',
      '[fd00::5]:9467',
    ]);
  });
});

describe('opentelemetry-collector.yaml', () => {
  interface Collector {
    receivers: { prometheus: { config: PrometheusConfig } };
    service: { pipelines: Record<string, Record<string, string[]>> };
  }
  const collector = readYaml<Collector & Record<string, Record<string, unknown>>>(
    'opentelemetry-collector.yaml',
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

interface PodMonitor {
  apiVersion: string;
  kind: string;
  spec: {
    selector: { matchLabels: Labels };
    podMetricsEndpoints: { port: string; path: string; interval: string; scrapeTimeout: string }[];
  };
}

describe('kubernetes/', () => {
  const deployment = readYaml<Deployment>('kubernetes/deployment.yaml');
  const policy = readYaml<NetworkPolicy>('kubernetes/networkpolicy.yaml');
  const monitor = readYaml<PodMonitor>('kubernetes/podmonitor.yaml');

  const pod = deployment.spec?.template;
  const container = pod?.spec?.containers[0];
  const ports = new Map(container?.ports?.map(({ name, containerPort }) => [name, containerPort]));
  const env = new Map(container?.env?.map(({ name, value }) => [name, value]));
  const { startupProbe, livenessProbe, readinessProbe } = container ?? {};
  /** How long it may fail until something is done about it. */
  const budgetOf = ({ periodSeconds = 10, failureThreshold = 3 }: Probe = {}): number =>
    periodSeconds * failureThreshold;

  // The types of the API, strictly: a field that is misspelt or misplaced, or a wrong type, is an error of the compiler.
  it('is what the Kubernetes API knows', () => {
    const types = fileURLToPath(new URL('../../node_modules/kubernetes-types/', import.meta.url));
    const misspelt = JSON.stringify(deployment).replace('livenessProbe', 'livenesProbe');
    const file = join(home, 'manifests.ts');
    writeFileSync(
      file,
      [
        `import type { Deployment } from '${types}apps/v1.js';`,
        `import type { NetworkPolicy } from '${types}networking/v1.js';`,
        `export const deployment: Deployment = ${JSON.stringify(deployment)};`,
        `export const policy: NetworkPolicy = ${JSON.stringify(policy)};`,
        '// @ts-expect-error: the check works',
        `export const misspelt: Deployment = ${misspelt};`,
      ].join('\n'),
    );
    const compilerOptions = { noEmit: true, strict: true, module: 'nodenext', types: [] };
    writeFileSync(join(home, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: [file] }));
    const tsc = fileURLToPath(new URL('../../node_modules/typescript/bin/tsc', import.meta.url));
    const { stdout } = spawnSync(process.execPath, [tsc, '-p', home], { encoding: 'utf8' });
    expect(stdout).toBe('');
    expect([monitor.apiVersion, monitor.kind]).toEqual(['monitoring.coreos.com/v1', 'PodMonitor']);
  });

  it('selects the pods that it makes', () => {
    const labels = pod?.metadata?.labels;
    for (const selector of [deployment.spec?.selector, policy.spec?.podSelector, monitor.spec.selector]) {
      expect(selector?.matchLabels).not.toEqual({});
      expect(labels).toMatchObject(selector?.matchLabels as Labels);
    }
  });

  it('calls ports by names that the container has, and the watchdog listens where it says', () => {
    const used = [
      startupProbe?.tcpSocket?.port,
      livenessProbe?.httpGet?.port,
      readinessProbe?.httpGet?.port,
      ...(policy.spec?.ingress?.flatMap(({ ports: some }) => some?.map(({ port }) => port)) ?? []),
      ...monitor.spec.podMetricsEndpoints.map(({ port }) => port),
    ];
    for (const port of used) expect([...ports.keys()]).toContain(port);
    expect(env.get('WATCHDOG_PORT')).toBe(String(ports.get('watchdog')));
    for (const { port, interval } of monitor.spec.podMetricsEndpoints) {
      expect([port, interval]).toEqual(['watchdog', '15s']);
    }
  });

  it('asks for paths that the sidecar serves', () => {
    const asked = [livenessProbe, readinessProbe].map((probe) => probe?.httpGet);
    for (const get of asked) expect(get?.port).toBe('watchdog');
    expect(asked.map((get) => get?.path)).toEqual(['/livez', '/readyz']);
    for (const { path } of monitor.spec.podMetricsEndpoints) expect(path).toBe('/metrics');
    expect(paths).toEqual(expect.arrayContaining(['/livez', '/readyz', '/metrics']));
  });

  it('restarts no pod that is merely busy', () => {
    // For as long again as /livez itself waits, a sidecar without a CPU may fail to answer.
    expect(budgetOf(livenessProbe)).toBeGreaterThanOrEqual(OPTIONS.livenessTimeout.default / 1000);
    expect(budgetOf(startupProbe)).toBeGreaterThanOrEqual(300);
    for (const probe of [livenessProbe, readinessProbe]) {
      expect(probe?.timeoutSeconds).toBeLessThan(probe?.periodSeconds ?? 0);
      expect(probe?.successThreshold ?? 1).toBe(1);
    }
  });

  it('sets only variables that exist, and mounts the token where it is read', () => {
    const variables = ['WATCHDOG_PORT', ...Object.values(OPTIONS).map((option) => option.env)];
    for (const name of env.keys()) expect(variables).toContain(name);
    const file = env.get('WATCHDOG_TOKEN_FILE') ?? '';
    const mount = container?.volumeMounts?.find(({ mountPath }) => mountPath === dirname(file));
    const volume = pod?.spec?.volumes?.find(({ name }) => name === mount?.name);
    expect(volume?.secret).toEqual({ secretName: 'shop-watchdog', defaultMode: 0o440 });
    expect(read('kubernetes/deployment.yaml')).toContain(
      `create secret generic ${volume?.secret?.secretName} --from-literal=${file.replace(/^.*\//, '')}=`,
    );
  });

  it('runs with no rights that the watchdog does not need', () => {
    expect(pod?.spec).toMatchObject({
      automountServiceAccountToken: false,
      securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
    });
    expect(container?.securityContext).toEqual({
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    });
    expect(container?.resources?.limits).not.toHaveProperty('cpu');
  });

  it('lets only the namespace of Prometheus to the port of the watchdog', () => {
    expect(policy.spec?.policyTypes).toEqual(['Ingress']);
    for (const { from, ports: some } of policy.spec?.ingress ?? []) {
      if (some?.every(({ port }) => port === 'http')) continue;
      expect(some?.map(({ port }) => port)).toEqual(['watchdog']);
      expect(from).toEqual([
        { namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'monitoring' } } },
      ]);
    }
  });
});
