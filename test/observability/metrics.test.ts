import { readFileSync, writeFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { OPTIONS } from '../../src/options/options.js';
import {
  CAPTURE_KINDS,
  CAPTURE_RESULTS,
  CAUSES,
  COLLECTORS,
  DROP_REASONS,
  GC_KINDS,
} from '../../src/shared/labels.js';
import {
  CULPRITS_MAX,
  DELAY_BOUNDS_MS,
  GC_BOUNDS_MS,
  RESOURCE_TYPES_MAX,
  STALL_BOUNDS_MS,
  TASK_BOUNDS_MS,
} from '../../src/shared/layout.js';
import { EVENTLOOP } from '../../worker/metrics/eventloop.js';
import type { Definition } from '../../worker/metrics/family.js';
import { MEMORY } from '../../worker/metrics/memory.js';
import { METRICS } from '../../worker/metrics/names.js';
import { POOLS } from '../../worker/metrics/pools.js';
import { PROCESS } from '../../worker/metrics/process.js';
import { SELF } from '../../worker/metrics/self.js';
import { STALLS } from '../../worker/metrics/stalls.js';
import { SYSTEM } from '../../worker/metrics/system.js';
import { THREADPOOL } from '../../worker/metrics/threadpool.js';

const page = new URL('../../observability/METRICS.md', import.meta.url);

const code = (names: readonly string[]): string => names.map((name) => `\`${name}\``).join(', ');

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `|${cells.map((cell) => ` ${cell} |`).join('')}\n`;
  return `${line(head)}|${head.map(() => '---|').join('')}\n${rows.map(line).join('')}`;
}

const metrics = (definitions: Readonly<Record<string, Definition>>): string =>
  table(
    ['name', 'type', 'labels', 'meaning'],
    Object.values(definitions).map(({ name, type, labels, help }) => [
      `\`${name}\``,
      type,
      labels.join(', '),
      help,
    ]),
  );

/** A label without its values here has values of the user or of the system. */
const VALUES: Readonly<Record<string, string>> = {
  thread: '`main`, or the name given to `watchThread`: at most 32 of these',
  state: code(['active', 'idle']),
  type: `what Node calls it (\`Timeout\`, \`TCPSocketWrap\`, …): at most ${RESOURCE_TYPES_MAX}, the last is \`other\``,
  cause: code(CAUSES),
  culprit: `function, file and line, such as \`renderInvoice invoice.ts:41\`: at most ${CULPRITS_MAX}, and \`other\`, \`unknown\``,
  kind: `of captures: ${code(CAPTURE_KINDS)}; of garbage collections: ${code(GC_KINDS)}`,
  result: code(CAPTURE_RESULTS),
  pool: 'the name given to `watchPool`: at most 32',
  collector: code([...COLLECTORS, 'pool_sampler']),
  reason: code(DROP_REASONS),
  version: 'of event-loop-watchdog; in `nodejs_version_info` of Node.js',
  node_version: 'of Node.js',
  space: "V8's heap spaces: `new`, `old`, `code`, `large_object`, …",
  major: "the three numbers of Node.js' version",
  minor: 'as above',
  patch: 'as above',
};
const LABELS = [...new Set(METRICS.flatMap(({ labels }) => labels))];

/** Of one sort each, so that a metric without its bounds here is seen. */
const BOUNDS: Readonly<Record<string, readonly number[]>> = {
  [EVENTLOOP.delay.name]: DELAY_BOUNDS_MS,
  [STALLS.duration.name]: STALL_BOUNDS_MS,
  [MEMORY.gc.name]: GC_BOUNDS_MS,
  [POOLS.run.name]: TASK_BOUNDS_MS,
  [POOLS.wait.name]: TASK_BOUNDS_MS,
  [THREADPOOL.queueDelay.name]: DELAY_BOUNDS_MS,
};

/** What stands between the markers of this name. */
const WRITTEN: Readonly<Record<string, string>> = {
  eventloop: metrics(EVENTLOOP),
  stalls: metrics(STALLS),
  system: metrics(SYSTEM),
  memory: metrics(MEMORY),
  process: metrics(PROCESS),
  pools: metrics(POOLS),
  threadpool: metrics(THREADPOOL),
  self: metrics(SELF),
  labels: table(
    ['label', 'values'],
    LABELS.map((name) => [`\`${name}\``, VALUES[name] ?? '']),
  ),
  buckets: table(
    ['name', 'bounds'],
    Object.entries(BOUNDS).map(([name, boundsMs]) => [
      `\`${name}\``,
      boundsMs.map((bound) => bound / 1000).join(' '),
    ]),
  ),
};

const between = (name: string): RegExp =>
  new RegExp(`(?<=<!-- written: ${name} -->\\n)[^]*?(?=<!-- end -->)`);

describe('METRICS.md', () => {
  beforeAll(() => {
    if (process.env.UPDATE !== '1') return;
    let text = readFileSync(page, 'utf8');
    for (const [name, written] of Object.entries(WRITTEN))
      text = text.replace(between(name), () => `\n${written}\n`);
    writeFileSync(page, text);
  });

  it.each(Object.entries(WRITTEN))(
    '%s is what the definitions say now (else: npm run metrics)',
    (name, written) => {
      expect(between(name).exec(readFileSync(page, 'utf8'))?.[0]).toBe(`\n${written}\n`);
    },
  );

  it('has all metrics, and the bounds of all histograms', () => {
    const tables = [EVENTLOOP, STALLS, SYSTEM, MEMORY, PROCESS, POOLS, THREADPOOL, SELF];
    expect(tables.flatMap((one) => Object.values<Definition>(one))).toEqual(METRICS);
    const histograms = METRICS.filter(({ type }) => type === 'histogram').map(({ name }) => name);
    expect(Object.keys(BOUNDS).sort()).toEqual(histograms.sort());
  });

  it('tells the values of each label', () => {
    expect(Object.keys(VALUES).sort()).toEqual([...LABELS].sort());
  });
});

it.each([...LABELS, 'le'])('users may not put a label %s of their own on the series', (label) => {
  expect(() => OPTIONS.labels.check({ [label]: 'mine' })).toThrow(`"${label}"`);
});
