import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import {
  BURN_LIMITS,
  DELAY_LIMITS,
  GC_LIMIT,
  HEAP_LIMITS,
  SATURATION_LIMITS,
  STALL_BUDGET,
} from '../../observability/grafana/dashboards/limits.js';
import { METRIC_NAMES } from '../../worker/metrics/names.js';
import { promtool, SKIP_PROMTOOL } from '../support/promtool.js';
import { chart, type Dashboard } from './lint/model.js';

interface Alert {
  alert: string;
  expr: string;
  for?: string;
  labels: { severity: string };
  annotations: { summary: string; description: string; runbook_url: string; dashboard_url: string };
}

interface Recording {
  record: string;
  expr: string;
}

interface RuleFile<Rule> {
  groups: { name: string; rules: Rule[] }[];
}

interface Scenarios {
  group_eval_order: string[];
  tests: {
    name: string;
    alert_rule_test?: {
      eval_time: string;
      alertname: string;
      exp_alerts: { exp_labels: { severity: string } }[];
    }[];
    promql_expr_test?: { expr: string }[];
  }[];
}

const kit = new URL('../../observability/', import.meta.url);
const read = (file: string): string => readFileSync(new URL(file, kit), 'utf8');

const alertFile: RuleFile<Alert> = parse(read('prometheus/alerts.yml'));
const ruleFile: RuleFile<Recording> = parse(read('prometheus/rules.yml'));
const scenarios: Scenarios = parse(read('prometheus/alerts.test.yml'));
const dashboards = ['dashboard.json', 'fleet.json'].map(
  (file) => JSON.parse(read(`grafana/${file}`)) as Dashboard,
);

const alerts = alertFile.groups.flatMap(({ rules }) => rules);
const recordings = ruleFile.groups.flatMap(({ rules }) => rules);
/** Critical and warning of one thing share their name. */
const alertNames = [...new Set(alerts.map(({ alert }) => alert))];

const SECONDS = { h: 3600, m: 60, s: 1 } as const;
const secondsOf = (duration: string): number =>
  [...duration.matchAll(/(\d+)([hms])/g)].reduce(
    (sum, [, count, unit]) => sum + Number(count) * SECONDS[unit as keyof typeof SECONDS],
    0,
  );

describe('alerts', () => {
  it.each(alerts)('$alert $labels.severity says what is wrong, how badly, and where to look', (rule) => {
    const { alert, expr, labels, annotations } = rule;
    expect(alert).toMatch(/^Nodejs[A-Z]\w+$/);
    expect(expr).toContain('watchdog_');
    expect(labels.severity).toMatch(/^(?:critical|warning|info)$/);
    expect(annotations.summary).toMatch(/^[^{]+$/);
    expect(annotations.runbook_url.split('/').pop()).toBe(`RUNBOOK.md#${alert.toLowerCase()}`);
    const [path, query = ''] = annotations.dashboard_url.split('?');
    expect(dashboards.map(({ uid }) => `/d/${uid}`)).toContain(path);
    // What is absent has no labels.
    if (expr.startsWith('absent(')) return;
    expect(annotations.description).toContain('{{ $labels.instance }}');
    expect(query).toContain('var-instance={{ $labels.instance | urlquery }}');
  });

  it('about stalls lead to the lines to blame, over the time that they look at', () => {
    const links = alerts
      .filter(({ annotations }) => annotations.dashboard_url.includes('viewPanel='))
      .map(({ alert, expr, annotations }) => ({ alert, expr, link: annotations.dashboard_url }));
    expect(links.map(({ alert }) => alert)).toEqual(Array(2).fill('NodejsStallBudgetBurn'));
    for (const { expr, link } of links) {
      const [, uid, panel] = /^\/d\/([\w-]+)\?.*&viewPanel=(\d+)$/.exec(link) ?? [];
      const dashboard = dashboards.find((one) => one.uid === uid) as Dashboard;
      expect(chart(dashboard, 'Worst lines').id).toBe(Number(panel));
      expect(link).toContain(`&from=now-${/:rate(\d+h)/.exec(expr)?.[1]}&to=now`);
    }
  });

  it.each(alerts)('$alert $labels.severity is seen to come and to go', ({ alert, labels }) => {
    const stories = scenarios.tests.map(({ alert_rule_test: looks = [] }) =>
      looks
        .filter(({ alertname }) => alertname === alert)
        .sort((a, b) => secondsOf(a.eval_time) - secondsOf(b.eval_time))
        .map(({ exp_alerts }) => exp_alerts.some((one) => one.exp_labels.severity === labels.severity))
        .map((fires) => (fires ? 'fires' : 'quiet'))
        .join(' '),
    );
    expect(stories).toContainEqual(expect.stringMatching(/quiet.*fires.*quiet/));
  });

  it('have the limits at which the dashboards turn yellow and red', () => {
    const limitsOf = (name: string, pattern: RegExp): number[][] =>
      alerts
        .filter(({ alert }) => alert === name)
        .flatMap(({ expr }) => [...expr.matchAll(pattern)])
        .map(([, ...numbers]) => numbers.map(Number));
    const last = /> ([\d.]+)$/g;
    expect(limitsOf('NodejsEventLoopDelayHigh', last).flat()).toEqual([...DELAY_LIMITS]);
    expect(limitsOf('NodejsWorkerPoolSaturated', last).flat()).toEqual([...SATURATION_LIMITS]);
    expect(limitsOf('NodejsHeapNearLimit', last).flat()).toEqual([...HEAP_LIMITS]);
    expect(limitsOf('NodejsGarbageCollectionBusy', last).flat()).toEqual([GC_LIMIT]);
    // Each for its long and its short window.
    expect(limitsOf('NodejsStallBudgetBurn', /> ([\d.]+) \* ([\d.]+)/g)).toEqual(
      BURN_LIMITS.flatMap((limit) => Array(2).fill([limit, STALL_BUDGET])),
    );
  });
});

describe('the runbook', () => {
  const sections = read('RUNBOOK.md')
    .split(/^## /m)
    .slice(1)
    .map((text) => ({ heading: text.split('\n')[0], text }));

  it('has a section for each alert, in their order, and no other', () => {
    expect(sections.map(({ heading }) => heading)).toEqual(alertNames);
  });

  it.each(sections)('$heading: severities and times are those of the rules', ({ heading, text }) => {
    const rows = [...text.matchAll(/^\| (critical|warning|info) \| .+ \| (.+) \|$/gm)];
    const rules = alerts.filter(({ alert }) => alert === heading);
    expect(rows.map(([, severity, held]) => [severity, held])).toEqual(
      rules.map((rule) => [rule.labels.severity, inWords(rule.for)]),
    );
  });

  it.each(sections)('$heading: tells what it means, whom it hurts, who did it and what to do', ({ text }) => {
    const parts = [...text.matchAll(/^\*\*(.+?)\.\*\*/gm)].map(([, part]) => part);
    const asked = ['What it means', 'Impact', 'Find the culprit', 'What to do'];
    // NodejsWatchdogDown has a warning in bold besides.
    expect(parts.filter((part) => asked.includes(part ?? ''))).toEqual(asked);
  });

  it('names panels that there are', () => {
    const titles = dashboards.flatMap(({ panels }) => panels.map(({ title }) => title));
    const named = [...read('RUNBOOK.md').matchAll(/(?<![\w`])_([A-Z][^_]+)_(?!\w)/g)].map(
      ([, title]) => title,
    );
    expect(named).toContain('Event loop lag');
    const prometheusPages = ['Status → Targets', 'Service Discovery'];
    expect(named.filter((title) => ![...titles, ...prometheusPages].includes(title ?? ''))).toEqual([]);
  });
});

/** A rule's `for`, as the runbook has it. */
function inWords(duration: string | undefined): string {
  if (duration === undefined) return 'at once';
  const [, count, unit] = /^(\d+)([ms])$/.exec(duration) ?? [];
  return `${count} ${unit === 'm' ? 'minute' : 'second'}${count === '1' ? '' : 's'}`;
}

describe('recording rules', () => {
  it.each(recordings)('$record is named level:metric:operation, and its value is tested', ({ record }) => {
    expect(record).toMatch(/^[a-z_]+:watchdog_[a-z_]+:[a-z0-9]+$/);
    const asked = scenarios.tests.flatMap(({ promql_expr_test: looks = [] }) =>
      looks.map(({ expr }) => expr),
    );
    expect(asked.join('\n')).toContain(record);
  });
});

describe('both', () => {
  it('are tested in the order in which one reads the other', () => {
    const groups = [...ruleFile.groups, ...alertFile.groups].map(({ name }) => name);
    expect(scenarios.group_eval_order).toEqual(groups);
  });

  it.skipIf(SKIP_PROMTOOL)('pass promtool: syntax, lint and behaviour', () => {
    const check = (...args: string[]): string =>
      promtool(args, { cwd: fileURLToPath(new URL('prometheus/', kit)) });
    for (const file of ['rules.yml', 'alerts.yml']) {
      expect(check('check', 'rules', '--lint=all', '--lint-fatal', file)).toContain('SUCCESS');
    }
    expect(check('test', 'rules', 'alerts.test.yml')).toContain('SUCCESS');
    expect(check('check', 'config', 'prometheus.yml')).toContain('SUCCESS');
  });
});

describe('metric names', () => {
  const served = new Set(METRIC_NAMES);
  const recorded = new Set(recordings.map(({ record }) => record));
  const isKnown = (name: string): boolean =>
    name.includes(':')
      ? recorded.has(name)
      : served.has(name) || served.has(name.replace(/_(?:bucket|sum|count)$/, ''));

  // A recorded name as a whole: what is between its colons need not be a metric.
  // Of prom-client's some are not ours: METRICS.md has a table of them.
  const namesIn = (file: string): string[] => [
    ...new Set(
      read(file)
        .replace(/ \| prom-client \|.*?\n\n/s, '')
        .match(/(?:\b\w+:)?\b(?:watchdog|process|nodejs)_\w+(?::\w+)?/g),
    ),
  ];

  it.each([
    'grafana/dashboard.json',
    'grafana/fleet.json',
    'prometheus/alerts.yml',
    'prometheus/rules.yml',
    'prometheus/alerts.test.yml',
    'METRICS.md',
    'DELAY.md',
    'STALLS.md',
    'THREADS.md',
    'RUNBOOK.md',
    'README.md',
  ])('in %s are ones that the sidecar serves or rules.yml records', (file) => {
    expect(namesIn(file).filter((name) => !isKnown(name))).toEqual([]);
  });

  it('are found, both kinds', () => {
    expect(namesIn('prometheus/alerts.yml')).toEqual(
      expect.arrayContaining([
        'watchdog_eventloop_lag_seconds',
        'instance_thread:watchdog_stall_seconds:rate6h',
      ]),
    );
  });
});
