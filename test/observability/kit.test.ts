import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { METRIC_NAMES } from '../../worker/metrics/names.js';
import { promtool, SKIP_PROMTOOL } from '../promtool.js';

const kit = new URL('../../observability/', import.meta.url);
const read = (file: string): string => readFileSync(new URL(file, kit), 'utf8');

const dashboard = JSON.parse(read('dashboard.json')) as { uid: string };

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
