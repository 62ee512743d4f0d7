import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Service, startAlertmanager, startHook } from '../prometheus/services.js';
import { eventually } from '../support/eventually.js';
import { kit, readYaml } from './files.js';

/** As with promtool: skipped where it is not installed (Debian: prometheus-alertmanager), but never in CI. */
const SKIP_AMTOOL = process.env.CI === undefined && spawnSync('amtool', ['--version']).status !== 0;

interface Rules {
  groups: { rules: { alert: string; labels: { severity: string } }[] }[];
}
const alerts = readYaml<Rules>('prometheus/alerts.yml').groups.flatMap(({ rules }) =>
  rules.map(({ alert, labels }) => ({ alert, severity: labels.severity })),
);
const names = new Set(alerts.map(({ alert }) => alert));

const file = fileURLToPath(new URL('alertmanager/alertmanager.yml', kit));
const amtool = (...args: string[]): string =>
  execFileSync('amtool', args, { encoding: 'utf8', stdio: 'pipe' });

describe('alertmanager.yml', () => {
  interface Inhibition {
    source_matchers: string[];
    target_matchers: string[];
  }
  const config = readYaml<{ inhibit_rules: Inhibition[]; receivers: object[] }>(
    'alertmanager/alertmanager.yml',
  );

  it.skipIf(SKIP_AMTOOL)('is a configuration that Alertmanager takes', () => {
    expect(amtool('check-config', file)).toContain('SUCCESS');
  });

  it('notifies nobody as it stands', () => {
    for (const receiver of config.receivers) expect(Object.keys(receiver)).toEqual(['name']);
  });

  it('names only alerts that there are', () => {
    for (const { source_matchers, target_matchers } of config.inhibit_rules) {
      for (const matcher of [...source_matchers, ...target_matchers]) {
        const [, value = ''] = /^alertname!?=~?"(.+)"$/.exec(matcher) ?? [];
        for (const name of value.split('|')) {
          if (name !== '' && name !== 'Nodejs.+') expect([...names]).toContain(name);
        }
      }
    }
  });

  it.skipIf(SKIP_AMTOOL).each([
    ['NodejsEventLoopBlocked', 'critical', 'page'],
    ['NodejsEventLoopBlocked', 'warning', 'chat'],
    ['NodejsCpuThrottled', 'info', 'nobody'],
    // Not ours.
    ['KubePodCrashLooping', 'critical', 'nobody'],
  ])('sends %s, %s, to %s', (alertname, severity, receiver) => {
    const labels = [`alertname=${alertname}`, `severity=${severity}`, 'job=shop', 'instance=shop-1'];
    const found = amtool('config', 'routes', 'test', `--config.file=${file}`, ...labels);
    expect(found.trim()).toBe(receiver);
  });

  it('knows where to send each alert that there is', () => {
    expect(new Set(alerts.map(({ severity }) => severity))).toEqual(new Set(['critical', 'warning', 'info']));
  });
});

type Labels = Record<string, string>;

const labelsOf = (alert: string): Labels => {
  const [alertname = '', severity = ''] = alert.split(' ');
  return { alertname: `Nodejs${alertname}`, severity, job: 'shop', thread: 'main' };
};

/** Which alert keeps which other quiet, on one instance. */
const QUIET: [string, string, boolean, Labels?][] = [
  ['WorkerPoolSaturated critical', 'WorkerPoolSaturated warning', true],
  ['EventLoopDelayHigh critical', 'EventLoopDelayHigh warning', true],
  ['EventLoopDelayHigh critical', 'EventLoopDelayHigh warning', false, { thread: 'parser' }],
  ['WorkerPoolSaturated critical', 'WorkerPoolSaturated warning', false, { pool: 'images' }],
  ['ThreadpoolSaturated critical', 'EventLoopDelayHigh warning', false],
  ['WatchdogDown critical', 'EventLoopBlocked critical', true],
  ['WatchdogDown critical', 'StallBudgetBurn warning', true],
  ['WatchdogDown critical', 'CpuThrottled info', true],
  ['WatchdogDown critical', 'StallBudgetBurn critical', false, { instance: 'another' }],
  ['EventLoopBlocked critical', 'EventLoopDelayHigh critical', true],
  ['EventLoopBlocked critical', 'EventLoopSaturated warning', true],
  ['EventLoopBlocked critical', 'EventLoopDelayHigh critical', false, { thread: 'parser' }],
  ['EventLoopBlocked critical', 'WorkerPoolQueueFull critical', false, { pool: 'images' }],
  ['EventLoopBlocked warning', 'EventLoopDelayHigh warning', true],
  ['EventLoopBlocked warning', 'EventLoopDelayHigh critical', false],
  ['EventLoopDelayHigh critical', 'StallBudgetBurn critical', true],
  ['EventLoopDelayHigh warning', 'StallBudgetBurn critical', false],
  ['StallBudgetBurn critical', 'EventLoopDelayHigh critical', false],
  ['EventLoopDelayHigh warning', 'WorkerPoolDispatchBlocked warning', true, { pool: 'images', thread: '' }],
  ['WorkerPoolQueueFull critical', 'WorkerPoolSaturated critical', true],
  ['WorkerPoolQueueFull critical', 'WorkerPoolSaturated critical', false, { pool: 'images' }],
  ['ProcessSuspended warning', 'EventLoopDelayHigh warning', true],
  ['ProcessSuspended warning', 'WatchdogUnreliable warning', true],
  ['ProcessSuspended warning', 'EventLoopDelayHigh critical', false],
  ['StalledByThrottling warning', 'CpuThrottled info', true, { thread: '' }],
  ['StalledByThrottling warning', 'EventLoopDelayHigh warning', true],
  ['StalledByThrottling warning', 'WatchdogUnreliable warning', false],
];

describe.skipIf(SKIP_AMTOOL)('in a running Alertmanager', () => {
  const home = mkdtempSync(join(tmpdir(), 'watchdog-alertmanager-'));
  const services: Service[] = [];
  let url: string;

  beforeAll(async () => {
    const hook = await startHook(() => {});
    services.push(hook);
    const alertmanager = await startAlertmanager(home, hook.url);
    services.unshift(alertmanager);
    url = `${alertmanager.url}/api/v2/alerts`;
  });
  afterAll(async () => {
    for (const service of services) await service.stop();
    rmSync(home, { recursive: true });
  });

  async function raise(all: readonly Labels[]): Promise<void> {
    const body = JSON.stringify(all.map((labels) => ({ labels })));
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body,
    });
    expect(response.status, await response.text()).toBe(200);
  }

  /** The value of `id` of all alerts that are kept quiet. */
  async function quiet(): Promise<Set<string | undefined>> {
    const found = (await (await fetch(url)).json()) as {
      labels: Labels;
      status: { inhibitedBy: string[] };
    }[];
    return new Set(
      found.filter(({ status }) => status.inhibitedBy.length > 0).map(({ labels }) => labels.id),
    );
  }

  /** Alerts are taken in in order: once this pair is there, so is all that was raised before. */
  async function settled(id: string): Promise<Set<string | undefined>> {
    const last = { job: id, instance: id };
    await raise([
      { ...labelsOf('EventLoopDelayHigh critical'), ...last },
      { ...labelsOf('EventLoopDelayHigh warning'), ...last, id },
    ]);
    return eventually(async () => {
      const found = await quiet();
      return found.has(id) ? found : undefined;
    }, 'all alerts are taken in');
  }

  it('one alert keeps quiet what it explains, and nothing else', async () => {
    await raise(
      QUIET.flatMap(([source, target, , difference], i) => [
        { ...labelsOf(source), instance: `${i}` },
        { ...labelsOf(target), instance: `${i}`, id: `${i}`, ...difference },
      ]),
    );
    const found = await settled('first');
    for (const [i, [source, target, expected, difference = {}]] of QUIET.entries()) {
      expect(found.has(`${i}`), `${source} -> ${target} ${JSON.stringify(difference)}`).toBe(expected);
    }
  });

  it('no warning keeps a critical alert quiet, nor an alert itself', async () => {
    const pairs = alerts.flatMap((source) =>
      alerts
        .filter(
          (target) => source === target || (source.severity !== 'critical' && target.severity === 'critical'),
        )
        .map((target) => [source, target] as const),
    );
    await raise(
      pairs.flatMap((pair, i) =>
        pair.map(({ alert, severity }, k) => ({
          alertname: alert,
          severity,
          job: 'shop',
          instance: `pair-${i}`,
          ...(k === 1 && { id: `pair-${i}` }),
        })),
      ),
    );
    const found = await settled('second');
    for (const [i, [source, target]] of pairs.entries()) {
      const what = `${source.alert} ${source.severity} -> ${target.alert} ${target.severity}`;
      expect(found.has(`pair-${i}`), what).toBe(false);
    }
    expect(pairs.length).toBeGreaterThan(100);
  });

  it('that none is left is not told when the last has just gone down', async () => {
    await raise([
      { ...labelsOf('WatchdogDown critical'), instance: 'watchdog-closed' },
      { alertname: 'NodejsWatchdogAbsent', severity: 'warning', id: 'absent' },
      // Of one service, as alerts.yml suggests: another one that is down says nothing of it.
      { alertname: 'NodejsWatchdogAbsent', severity: 'warning', job: 'till', id: 'till' },
    ]);
    const found = await settled('third');
    expect([found.has('absent'), found.has('till')]).toEqual([true, false]);
  });
});
