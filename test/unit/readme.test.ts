import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { OPTIONS } from '../../src/options/options.js';
import { METRIC_NAMES } from '../../worker/metrics/names.js';

const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');
const section = (title: string): string =>
  readme.split(/^## /m).find((one) => one.startsWith(`${title}\n`)) ?? '';
/** The rows of a section's table as arrays of cells, without its head. */
const rows = (title: string): string[][] =>
  section(title)
    .split('\n')
    .filter((line) => line.startsWith('| `'))
    .map((line) =>
      line
        .split(/(?<!\\)\|/)
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );

it('documents every option with its default and variable, and none that does not exist', () => {
  const shown = (name: string, value: unknown): string => {
    if (name === 'host') return 'all interfaces';
    if (name === 'delayBuckets') return '23 bounds';
    if (name === 'capture') return '`true`';
    if (typeof value === 'string') return `\`'${value}'\``;
    return typeof value === 'number' || typeof value === 'boolean' ? `\`${value}\`` : 'none';
  };
  expect(rows('Options').map(([name, byDefault, variable]) => ({ name, byDefault, variable }))).toEqual(
    Object.entries(OPTIONS).map(([name, spec]) => ({
      name: `\`${name}\``,
      byDefault: shown(name, spec.default),
      variable: spec.env === undefined ? '' : `\`${spec.env}\``,
    })),
  );
});

it('has its tables of measurements from the figures that are kept', () => {
  const tables = fileURLToPath(new URL('../bench/kit/tables.mjs', import.meta.url));
  expect(spawnSync(process.execPath, [tables, '--check'], { encoding: 'utf8' })).toMatchObject({
    status: 0,
    stdout: '',
  });
});

it('names no metric anywhere that does not exist', () => {
  for (const [name] of readme.matchAll(/\bwatchdog_[a-z_]+/g)) {
    expect(METRIC_NAMES, name).toContain(name.replace(/_(bucket|sum|count)$/, ''));
  }
});

it('has a comment at every member of the public types', () => {
  const source = (file: string): string =>
    readFileSync(new URL(`../../src/${file}`, import.meta.url), 'utf8');
  const carried = [
    ...(source('shared/protocol.ts') + source('shared/stall.ts') + source('shared/slow-task.ts')).matchAll(
      /^export interface (\w+) \{\n[\s\S]*?^\}/gm,
    ),
  ]
    .filter(([, name]) =>
      ['Address', 'Frame', 'RequestContext', 'SlowTask', 'StackSample', 'Stall'].includes(name as string),
    )
    .map(([text]) => text);
  const lines = [
    ...['types.ts', 'pools/types.ts', 'options/types.ts', 'shedding/types.ts', 'errors.ts'].map(source),
    ...carried,
  ]
    .flatMap((text) => text.split('\n'))
    .filter((line) => !line.includes('biome-ignore'));
  const members = lines.flatMap((line, i) =>
    /^\s+(?:override )?(?:readonly )?\w+(?:<.*>)?\??(?:: |\()/.test(line) &&
    !/^\s+(?:super|this)\b/.test(line)
      ? [{ line, before: lines[i - 1] }]
      : [],
  );
  expect(members.length).toBeGreaterThan(80);
  expect(members.filter(({ before }) => !before?.endsWith('*/'))).toEqual([]);
});

describe('the pages', () => {
  const root = new URL('../../', import.meta.url);
  const pages = ['.', 'observability', 'examples'].flatMap((folder) =>
    readdirSync(new URL(`${folder}/`, root))
      .filter((file) => file.endsWith('.md'))
      .map((file) => `${folder}/${file}`),
  );
  const textOf = (page: URL): string => readFileSync(page, 'utf8');
  /** As GitHub makes them of headings. */
  const anchorsOf = (text: string): string[] =>
    [...text.matchAll(/^#+ (.+)$/gm)].map(([, title = '']) =>
      title
        .toLowerCase()
        .replace(/[^\w\- ]/g, '')
        .replaceAll(' ', '-'),
    );

  it.each(pages)('%s links to what there is', (name) => {
    const page = new URL(name, root);
    for (const [, link = ''] of textOf(page).matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^https?:/.test(link)) continue;
      const target = new URL(link, page);
      const anchor = target.hash.slice(1);
      target.hash = '';
      expect(existsSync(target), link).toBe(true);
      if (anchor !== '') expect(anchorsOf(textOf(target)), link).toContain(anchor);
    }
  });

  it('begin with one that can be read: few lines, and short ones', () => {
    const lines = readme.split('\n');
    expect(lines.length).toBeLessThanOrEqual(260);
    expect(lines.filter((line) => line.length > 120)).toEqual([]);
  });
});
