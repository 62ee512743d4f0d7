import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { dashboardFiles } from '../../observability/grafana/dashboards/files.js';
import { promtool, SKIP_PROMTOOL } from '../support/promtool.js';
import { dashboardRules } from './lint/dashboard-rules.js';
import { type Dashboard, expressionsOf } from './lint/model.js';
import { PANEL_RULES } from './lint/panel-rules.js';
import { TARGET_RULES } from './lint/target-rules.js';

const kit = new URL('../../observability/grafana/', import.meta.url);
const read = (name: string): string => readFileSync(new URL(name, kit), 'utf8');

const dashboards = ['dashboard.json', 'fleet.json'].map((name) => ({
  name,
  dashboard: JSON.parse(read(name)) as Dashboard,
}));
const variablesByUid = new Map(
  dashboards.map(({ dashboard }) => [dashboard.uid, dashboard.templating.list.map((one) => one.name)]),
);
const RULES = [...dashboardRules(variablesByUid), ...PANEL_RULES, ...TARGET_RULES];

describe('the files', () => {
  // Equal as texts: `npm run dashboards` must leave nothing to commit.
  it.each(dashboardFiles())('$name is what its sources say now', ({ name, text }) => {
    expect(read(name)).toBe(text);
  });

  it('are all of those that are generated, under the addresses that alerts and links use', () => {
    expect(dashboardFiles().map(({ name }) => name)).toEqual(dashboards.map(({ name }) => name));
    expect([...variablesByUid.keys()]).toEqual(['event-loop-watchdog', 'event-loop-watchdog-fleet']);
  });
});

/**
 * After the rules of grafana/dashboard-linter as far as they are for a Prometheus dashboard, and some of our
 * own. Why a rule is there stands at the rule.
 */
describe.each(dashboards)('$name', ({ dashboard }) => {
  it.each(RULES)('$name', ({ check, spoil }) => {
    expect(check(dashboard)).toEqual([]);
    const spoilt = structuredClone(dashboard);
    spoil(spoilt);
    expect(check(spoilt), 'complaints of a spoilt copy').not.toEqual([]);
  });

  it.skipIf(SKIP_PROMTOOL)('asks in PromQL that Prometheus can read', () => {
    const home = mkdtempSync(join(tmpdir(), 'watchdog-promql-'));
    // JSON is YAML; a recording rule for each expression, named so that promtool's complaint says which.
    const rules = expressionsOf(dashboard).map(({ where, expr }) => ({
      record: `panel:${where.replaceAll(/\W+/g, '_')}`,
      expr: filledIn(expr),
    }));
    const file = join(home, 'rules.yml');
    writeFileSync(file, JSON.stringify({ groups: [{ name: dashboard.uid, rules }] }));
    expect(promtool(['check', 'rules', '--lint=all', '--lint-fatal', file])).toContain(
      `${rules.length} rules`,
    );
    rmSync(home, { recursive: true });
  });
});

/** As Grafana would send it. */
function filledIn(expr: string): string {
  const windows = expr.replaceAll('$__rate_interval', '1m').replaceAll('$__range', '30m');
  return windows.replaceAll(/\$\w+/g, '.+');
}
