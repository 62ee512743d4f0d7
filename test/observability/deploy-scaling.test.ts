import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { METRIC_NAMES } from '../../worker/metrics/names.js';
import { killChildren, startChild } from '../support/child.js';
import { eventually } from '../support/eventually.js';
import { promtool, SKIP_PROMTOOL } from '../support/promtool.js';
import { scrape } from '../support/scrape.js';
import { read } from './files.js';

const text = read('SCALING.md');
/** The YAML blocks, one after the other. */
const examples = [...text.matchAll(/^```yaml\n(.+?)^```$/gms)].map(([, yaml = '']) => yaml);

/** The number in the row of the first table that begins with this. */
function series(what: string): number {
  const row = text.split('\n').find((line) => line.startsWith(`| ${what}`));
  return Number(row?.split('|')[2]?.trim());
}

afterAll(killChildren);

/** What is not there for each process: other rows of the table. */
const SOMETIMES = [
  'watchdog_eventloop_active_resources',
  'watchdog_threadpool_busy_threads',
  'watchdog_last_stall_timestamp_seconds',
  'watchdog_cgroup_',
  'watchdog_heap_used_after_gc_bytes',
  'watchdog_heap_saturation_ratio',
  'nodejs_heap_space_size_',
];
const isSometimes = (line: string): boolean => SOMETIMES.some((name) => line.startsWith(name));

/** How many series of a process there are always. */
async function count(fixture: string, args: string[], pools: number): Promise<number> {
  const { url } = await startChild(fixture, { args }).message<{ url: string }>('ready');
  const found = await eventually(async () => {
    const one = await scrape(url);
    // All that comes later than the first turn: pools, and the count of resources.
    const there =
      one.family('watchdog_pool_snapshot_timestamp_seconds').size === pools &&
      one.family('watchdog_eventloop_active_resources').size > 0 &&
      one.has('nodejs_heap_size_used_bytes');
    return there ? one : undefined;
  }, 'everything is there');
  const lines = found.text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return lines.filter((line) => !isSometimes(line)).length;
}

// The accounts of a thread are Linux's.
describe.runIf(process.platform === 'linux')('the series of a process are as many as SCALING.md says', () => {
  const each = series('each process');
  const piscina = series('each Piscina pool');
  const other = series('each other pool');

  it('with no pool', async () => {
    expect(await count('app.mjs', [], 0)).toBe(each);
  });

  it.each([
    ['piscina5', '{}', 1, piscina],
    ['piscina5', '{"maxQueue":9}', 1, piscina + 1],
    ['piscina4', '{}', 1, piscina],
    ['pg', '{}', 2, 2 * other],
    ['queue', '{}', 1, other + 1],
  ])('with %s %s', async (kind, sizes, pools, more) => {
    expect(await count('pools.mjs', [kind, sizes], pools)).toBe(each + more);
  });

  it('with another thread', async () => {
    const app = startChild('threads.mjs');
    await app.message('up');
    app.send({ deed: 'start', value: {} });
    const { url } = await app.message<{ url: string }>('ready');
    app.send({ deed: 'spawn', value: ['indexer'] });
    await app.message('joined');
    const found = await eventually(async () => {
      const { text: one } = await scrape(url);
      const of = (thread: string): number =>
        one.split('\n').filter((line) => line.includes(`thread="${thread}"`) && !isSometimes(line)).length;
      // Of the thread all is there once as much is there as of main.
      return of('indexer') === of('main') ? of('indexer') : undefined;
    }, 'the thread is there');
    expect(found).toBe(series('each other thread'));
  });

  it('which the example adds up', () => {
    const [spaces, survived] = [
      11 * series("each of V8's heap spaces"),
      series('since the first full collection'),
    ];
    const sum = each + spaces + survived + 1 + 1 + 5 + piscina;
    expect(text).toContain(`${each} + ${spaces} + ${survived} + 1 + 1 + 5 + ${piscina} = ${sum} series`);
    expect(text).toContain(`${sum} + 5 + 6 = ${sum + 11}`);
  });
});

describe('the examples of SCALING.md', () => {
  interface Relabelling {
    metric_relabel_configs?: { regex: string }[];
    [key: string]: unknown;
  }

  it.skipIf(SKIP_PROMTOOL)('are configurations that Prometheus takes', () => {
    const home = mkdtempSync(join(tmpdir(), 'watchdog-scaling-'));
    expect(examples.length).toBeGreaterThan(3);
    for (const example of examples) {
      const config = parse(example, { strict: true }) as Relabelling;
      // A part of a job is shown by itself.
      const whole = config.metric_relabel_configs
        ? { scrape_configs: [{ job_name: 'shop', ...config }] }
        : config;
      for (const file of ['rules.yml', 'alerts.yml'])
        writeFileSync(join(home, file), read(`prometheus/${file}`));
      writeFileSync(join(home, 'prometheus.yml'), stringify(whole));
      expect(promtool(['check', 'config', 'prometheus.yml'], { cwd: home })).not.toContain('FAILED');
    }
    rmSync(home, { recursive: true });
  });

  it('leave out only what exists and no alert needs', () => {
    const { metric_relabel_configs: dropped = [] } = examples
      .map((example) => parse(example) as Relabelling)
      .find((config) => config.metric_relabel_configs) as Relabelling;
    expect(dropped).toHaveLength(1);
    for (const { regex } of dropped) {
      const whole = new RegExp(`^(?:${regex})$`);
      const out = METRIC_NAMES.filter((name) => [name, `${name}_bucket`].some((one) => whole.test(one)));
      expect(out).toEqual([
        'watchdog_stall_duration_seconds',
        'watchdog_captures_total',
        'watchdog_gc_duration_seconds',
        'nodejs_heap_space_size_total_bytes',
        'nodejs_heap_space_size_used_bytes',
        'nodejs_heap_space_size_available_bytes',
      ]);
      const asked = read('prometheus/alerts.yml') + read('prometheus/rules.yml');
      const names = [...asked.matchAll(/\b(?:watchdog|nodejs)_\w+/g)].map(([name]) => name);
      expect(names.filter((name) => whole.test(name))).toEqual([]);
    }
  });

  it('name only recorded series that there are', () => {
    const recorded = new Set(
      [...read('prometheus/rules.yml').matchAll(/record: (job\S+)/g)].map(([, name = '']) => name),
    );
    const named = new Set([...text.matchAll(/\bjob(?:_[a-z]+)?:watchdog_[\w:]*\w/g)].map(([name]) => name));
    for (const name of named) expect([...recorded]).toContain(name);
    const [, regex = ''] = /__name__=~"(.+?)"/.exec(text) ?? [];
    for (const name of recorded) expect(name).toMatch(new RegExp(`^(?:${regex})$`));
  });
});
