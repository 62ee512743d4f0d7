import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { METRIC_NAMES } from '../../worker/metrics/names.js';
import { promtool, SKIP_PROMTOOL } from '../promtool.js';

interface Target {
  refId: string;
  expr: string;
  datasource: unknown;
}

interface Panel {
  id: number;
  type: string;
  title: string;
  description?: string;
  gridPos: { x: number; y: number; w: number; h: number };
  fieldConfig?: { defaults: { unit?: string } };
  targets?: Target[];
  panels?: Panel[];
}

interface Variable {
  name: string;
  [setting: string]: unknown;
}

interface Dashboard {
  uid: string;
  annotations: { list: { name: string; expr: string; datasource: unknown }[] };
  templating: { list: Variable[] };
  panels: Panel[];
  [setting: string]: unknown;
}

const kit = new URL('../../observability/', import.meta.url);
const read = (file: string): string => readFileSync(new URL(file, kit), 'utf8');

const dashboard = JSON.parse(read('dashboard.json')) as Dashboard;
// biome-ignore lint/suspicious/noTemplateCurlyInString: the placeholder is Grafana's
const datasource = { type: 'prometheus', uid: '${datasource}' };

/** A collapsed row holds its panels inside itself. */
const panels = dashboard.panels.flatMap((panel) => [panel, ...(panel.panels ?? [])]);
const charts = panels.filter((panel) => panel.type !== 'row');

const queries = [
  ...charts.flatMap((panel) =>
    (panel.targets ?? []).map((target) => ({ ...target, where: `${panel.title} ${target.refId}` })),
  ),
  ...dashboard.annotations.list.map((annotation) => ({ ...annotation, where: annotation.name })),
];

describe('dashboard', () => {
  it('can be imported and provisioned anywhere', () => {
    expect(dashboard).toMatchObject({ uid: 'event-loop-watchdog', editable: false, graphTooltip: 1 });
    expect(dashboard.schemaVersion).toBeGreaterThanOrEqual(39);
    expect(dashboard.schemaVersion).toBeLessThanOrEqual(42);
    expect(dashboard).not.toHaveProperty('id');
    expect(dashboard).not.toHaveProperty('__inputs');
  });

  it('is narrowed by data source, job and instance', () => {
    const selector = { type: 'query', datasource, multi: true, includeAll: true, allValue: '.+', refresh: 2 };
    expect(dashboard.templating.list).toMatchObject([
      { name: 'datasource', type: 'datasource', query: 'prometheus', label: 'Data Source' },
      { name: 'job', ...selector, query: { query: 'label_values(watchdog_build_info, job)' } },
      {
        name: 'instance',
        ...selector,
        query: { query: 'label_values(watchdog_build_info{job=~"$job"}, instance)' },
      },
    ]);
  });

  it('explains every panel and gives it a unit', () => {
    expect(charts).not.toHaveLength(0);
    for (const panel of charts) {
      expect(panel.title, `title of panel ${panel.id}`).toBeTruthy();
      expect(panel.description, `description of ${panel.title}`).toBeTruthy();
      expect(panel.fieldConfig?.defaults.unit, `unit of ${panel.title}`).toBeTruthy();
      expect(panel.targets, `queries of ${panel.title}`).not.toHaveLength(0);
    }
  });

  it('has panels with ids of their own that do not overlap', () => {
    expect(new Set(panels.map((panel) => panel.id)).size).toBe(panels.length);
    const owners = new Map<string, string>();
    for (const { title, gridPos } of dashboard.panels) {
      expect(gridPos.x + gridPos.w, `right edge of ${title}`).toBeLessThanOrEqual(24);
      for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++) {
        for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
          expect(owners.get(`${x},${y}`), `what ${title} covers`).toBeUndefined();
          owners.set(`${x},${y}`, title);
        }
      }
    }
  });

  it.each(queries)('asks properly: $where', (query) => {
    expect(query.datasource).toEqual(datasource);

    const selectors = [...query.expr.matchAll(/\bwatchdog_\w+(?:\{[^}]*\})?/g)].map(([selector]) => selector);
    expect(selectors).not.toHaveLength(0);
    for (const selector of selectors) {
      expect(selector).toContain('job=~"$job"');
      expect(selector).toContain('instance=~"$instance"');
    }
    for (const [range] of query.expr.matchAll(/\[[^\]]*\]/g)) expect(range).toBe('[$__rate_interval]');
    for (const [counter] of query.expr.matchAll(/\S*\bwatchdog_\w+_(?:total|bucket|sum|count)\b/g)) {
      expect(counter).toMatch(/\b(?:rate|increase)\(watchdog_\w+$/);
    }
  });
});

describe('alerts', () => {
  // Each rule is the text from its name to the next rule; that is enough for these checks without a YAML parser.
  const rules = read('alerts.yml')
    .split(/^ *- alert: */m)
    .slice(1);
  const headings = [...read('README.md').matchAll(/^#+ (.+)$/gm)].map(
    ([, heading]) => `README.md#${heading?.toLowerCase()}`,
  );
  /** The value of a key: the rest of its line and the lines after it that are indented deeper. */
  const field = (rule: string, key: string): string =>
    new RegExp(`^( *)${key}: *((?:.|\\n\\1 )+)`, 'm').exec(rule)?.[2] ?? '';

  it('say what is wrong, how badly, what to do and where to look', () => {
    expect(rules).not.toHaveLength(0);
    for (const rule of rules) {
      const name = /^.*/.exec(rule)?.[0] ?? '';
      expect(name).toMatch(/^Nodejs[A-Z]\w+$/);
      expect(field(rule, 'expr'), name).toContain('watchdog_');
      expect(field(rule, 'severity'), name).toMatch(/^(?:critical|warning|info)$/);
      expect(field(rule, 'summary'), name).toMatch(/^[^{]+$/);
      expect(field(rule, 'description'), name).toContain('{{ $labels.instance }}');
      expect(headings, name).toContain(field(rule, 'runbook_url').split('/').pop());
      expect(field(rule, 'dashboard_url'), name).toMatch(new RegExp(`^/d/${dashboard.uid}\\?`));
    }
  });

  it.skipIf(SKIP_PROMTOOL)('pass promtool: syntax, lint and behaviour', () => {
    const check = (...args: string[]): string => promtool(args, { cwd: fileURLToPath(kit) });
    expect(check('check', 'rules', '--lint=all', '--lint-fatal', 'alerts.yml')).toContain('SUCCESS');
    expect(check('test', 'rules', 'alerts.test.yml')).toContain('SUCCESS');
    expect(check('check', 'config', 'prometheus.yml')).toContain('SUCCESS');
  });
});

describe('metric names', () => {
  const known = new Set(METRIC_NAMES);

  it.each(['dashboard.json', 'alerts.yml', 'alerts.test.yml', 'README.md'])(
    'in %s are ones that the sidecar serves',
    (file) => {
      const names = new Set(read(file).match(/\bwatchdog_\w+/g));
      expect(names.size).toBeGreaterThan(0);
      const unknown = [...names].filter(
        (name) => !known.has(name) && !known.has(name.replace(/_(?:bucket|sum|count)$/, '')),
      );
      expect(unknown).toEqual([]);
    },
  );
});
