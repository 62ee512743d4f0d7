import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { OPTIONS } from '../../src/options.js';
import { EVENTLOOP } from '../../worker/metrics/eventloop.js';
import type { Definition } from '../../worker/metrics/family.js';
import { POOLS } from '../../worker/metrics/pools.js';
import { SELF } from '../../worker/metrics/self.js';
import { STALLS } from '../../worker/metrics/stalls.js';

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

it('documents every metric with its type, and none that does not exist', () => {
  const served = [EVENTLOOP, STALLS, POOLS, SELF].flatMap((table) => Object.values<Definition>(table));
  expect(rows('Metrics').map(([name, type]) => `${name} ${type}`)).toEqual(
    served.map(({ name, type }) => `\`${name}\` ${type}`),
  );
});

it('documents every option with its default and variable, and none that does not exist', () => {
  const shown = (value: unknown): string => (typeof value === 'number' ? `\`${value}\`` : 'none');
  expect(rows('Options').map(([name, byDefault, variable]) => ({ name, byDefault, variable }))).toEqual(
    Object.entries(OPTIONS).map(([name, spec]) => ({
      name: `\`${name}\``,
      byDefault: name === 'host' ? 'all interfaces' : shown(spec.default),
      variable: spec.env === undefined ? '' : `\`${spec.env}\``,
    })),
  );
});

it('names no metric anywhere that does not exist', () => {
  const names = [EVENTLOOP, STALLS, POOLS, SELF]
    .flatMap((table) => Object.values<Definition>(table))
    .map(({ name }) => name);
  for (const [name] of readme.matchAll(/\bwatchdog_[a-z_]+/g)) {
    expect(names, name).toContain(name.replace(/_(bucket|sum|count)$/, ''));
  }
});
