import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Deployment } from 'kubernetes-types/apps/v1.js';
import type { Probe } from 'kubernetes-types/core/v1.js';
import type { NetworkPolicy } from 'kubernetes-types/networking/v1.js';
import { describe, expect, it } from 'vitest';
import { OPTIONS } from '../../src/options/options.js';
import { createRoutes, type RouteSources } from '../../worker/http/routes.js';
import { read, readYaml } from './files.js';

/** All that the sidecar answers to. */
const paths = Object.keys(createRoutes({ guard: {}, debug: {} } as RouteSources));

type Labels = Readonly<Record<string, string>>;

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

  // The types of the API, strictly: a field that is misspelt or misplaced, or a wrong type, is an error of
  // the compiler.
  it('is what the Kubernetes API knows', () => {
    const home = mkdtempSync(join(tmpdir(), 'watchdog-kubernetes-'));
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
    rmSync(home, { recursive: true });
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
