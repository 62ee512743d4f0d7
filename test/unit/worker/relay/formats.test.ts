import { describe, expect, it } from 'vitest';
import type { Format } from '../../../../worker/metrics/format.js';
import { cleanFamilies } from '../../../../worker/relay/exposition.js';
import { decode } from '../../../support/protobuf.js';
import { SKIP_STRICT, strictFamilies } from '../../../support/strict-openmetrics.js';

async function convert(
  text: string,
  format: Format,
  { openMetrics = false, labels = {} }: { openMetrics?: boolean; labels?: Record<string, string> } = {},
): Promise<Buffer> {
  const bytes = new TextEncoder().encode(text);
  const exposition = await cleanFamilies(bytes, { openMetrics, labels, onDrop: () => {} });
  return Buffer.concat((await exposition.pieces(format)).map(({ plain }) => plain));
}

const TEXT = `# HELP orders_total Orders, "paid".
# TYPE orders_total counter
orders_total { path = "/größe\\n" , } 3 1700000000000
# TYPE plain counter
plain 4
# TYPE size gauge
size +Inf
# TYPE size_total counter
size_total 1
loose{le="1"} 0.5

# TYPE latency histogram
latency_bucket{path="a",le="1"} 2
latency_bucket{path="a",le="2.5"} 3
latency_bucket{path="a",le="+Inf"} 4
latency_sum{path="a"} 7.5
latency_count{path="a"} 4
latency_bucket{path="b",le="1"} 0
latency_bucket{path="b",le="+Inf"} 1
latency_sum{path="b"} 2
latency_count{path="b"} 1
# TYPE wait summary
wait{quantile="1"} 3
wait_sum 9
wait_count 3
`;

const OPENMETRICS = `# TYPE orders counter
# HELP orders Orders.
orders_total 3 # {trace_id="a # {b"} 1 1700000000.5
# TYPE latency histogram
latency_bucket{le="1"} 2 1700000000 # {trace_id="abc"} 0.5
latency_bucket{le="+Inf"} 2 # {trace_id="${'x'.repeat(130)}"} 0.5
latency_sum 1 # {trace_id="abc"} 0.5
latency_count 2
latency_created 1600000000
# TYPE size gauge
size 1 # {trace_id="abc"} 0.5
# TYPE visits counter
visits_total{a="1"} 1 # {trace_id="abc"} 1 NaN
visits_total{a="2"} 1 # {a="1",a="2"} 1
visits_total{a="3"} 1 # {a=1} 1
visits_total{a="4"} 1 # {a="1"} one
# EOF
`;

describe('OpenMetrics', () => {
  it('is made of the text format: no series changes its name', async () => {
    expect((await convert(TEXT, 'openMetrics', { labels: { app: 'shop', path: 'z' } })).toString()).toBe(
      `# TYPE orders counter
# HELP orders Orders, \\"paid\\".
orders_total{app="shop",path="/größe\\n"} 3
# TYPE plain unknown
plain{app="shop",path="z"} 4
# TYPE size gauge
size{app="shop",path="z"} +Inf
# TYPE size_total unknown
size_total{app="shop",path="z"} 1
# TYPE loose unknown
loose{app="shop",path="z",le="1"} 0.5
# TYPE latency histogram
latency_bucket{app="shop",path="a",le="1.0"} 2
latency_bucket{app="shop",path="a",le="2.5"} 3
latency_bucket{app="shop",path="a",le="+Inf"} 4
latency_sum{app="shop",path="a"} 7.5
latency_count{app="shop",path="a"} 4
latency_bucket{app="shop",path="b",le="1.0"} 0
latency_bucket{app="shop",path="b",le="+Inf"} 1
latency_sum{app="shop",path="b"} 2
latency_count{app="shop",path="b"} 1
# TYPE wait summary
wait{app="shop",path="z",quantile="1.0"} 3
wait_sum{app="shop",path="z"} 9
wait_count{app="shop",path="z"} 3
`,
    );
  });

  it('keeps the exemplars that a scraper takes; text has none', async () => {
    const text = (await convert(OPENMETRICS, 'openMetrics', { openMetrics: true })).toString();
    expect(text.split('\n').filter((line) => line.includes(' # '))).toEqual([
      'orders_total 3 # {trace_id="a # {b"} 1 1700000000.5',
      'latency_bucket{le="1.0"} 2 # {trace_id="abc"} 0.5',
    ]);
    expect((await convert(OPENMETRICS, 'text', { openMetrics: true })).toString()).toMatch(
      /^orders_total 3\n.*^latency_bucket\{le="1"\} 2\n/ms,
    );
  });

  it.skipIf(SKIP_STRICT)('has nothing that the strict parser complains of', async () => {
    for (const [text, openMetrics] of [
      [TEXT, false],
      [OPENMETRICS, true],
    ] as const) {
      const converted = await convert(text, 'openMetrics', { openMetrics });
      expect(strictFamilies(`${converted}# EOF\n`)).toContain('latency');
    }
  });

  it.each([
    [
      'bounds out of order',
      't',
      't_bucket{le="2"} 1\nt_bucket{le="1"} 1\nt_bucket{le="+Inf"} 1\nt_sum 1\nt_count 1\n',
    ],
    ['a sum under zero', 't', 't_bucket{le="+Inf"} 1\nt_sum -1\nt_count 1\n'],
    ["counts that are not its buckets'", 't', 't_bucket{le="+Inf"} 1\nt_sum 1\nt_count 2\n'],
    ['no last bucket', 't', 't_bucket{le="1"} 1\nt_sum 1\nt_count 1\n'],
    [
      'its parts far apart',
      't',
      't_bucket{a="1",le="+Inf"} 1\nt_bucket{a="2",le="+Inf"} 1\nt_sum{a="1"} 1\nt_sum{a="2"} 1\nt_count{a="1"} 1\nt_count{a="2"} 1\n',
    ],
    [
      'another family by the name of a part',
      't',
      't_bucket{le="+Inf"} 1\nt_sum 1\nt_count 1\n# TYPE t_count gauge\nt_count{a="1"} 5\n',
    ],
    ['a summary with a value under zero', 's', 's{quantile="0.5"} -1\ns_sum 1\ns_count 1\n'],
    ['a quantile over one', 's', 's{quantile="1.5"} 1\ns_sum 1\ns_count 1\n'],
    ['a counter that is no number', 'c', 'c_total NaN\nc_total{a="1"} 1\n'],
    [
      'a histogram beside what is created',
      't',
      't_bucket{le="+Inf"} 1\nt_sum 1\nt_count 1\n# TYPE t_created gauge\nt_created 5\n',
    ],
    ['a counter beside what is created', 'c', 'c_total 1\n# TYPE c_created gauge\nc_created 5\n'],
    ['a counter of no name', '', '_total 1\n'],
  ])('serves as unknown what it does not allow: %s', async (_, name, lines) => {
    const TYPES: Readonly<Record<string, string>> = {
      t: 't histogram',
      s: 's summary',
      c: 'c_total counter',
    };
    const given = `# TYPE ${TYPES[name] ?? '_total counter'}\n${lines}`;
    const text = (await convert(given, 'openMetrics')).toString();
    const samples = (of: string): string[] => (of.match(/^\w.*$/gm) ?? []).sort();
    // Spelled in the same way as those of a whole one, which it may be next time.
    expect(samples(text)).toEqual(samples(given.replace(/(le)="(\d)"/g, '$1="$2.0"')));
    expect(text).not.toMatch(/^# TYPE \w* (?:histogram|summary|counter)$/m);
    if (!SKIP_STRICT) strictFamilies(`${text}# EOF\n`);
  });

  it('spells a bound as Prometheus does', async () => {
    const bounds = ['0.00001', '0.25', '1', '1000000', '123456789', '1e+24', 'Infinity'];
    const lines = bounds.map((bound) => `t_bucket{le="${bound}"} 1\n`).join('');
    const text = await convert(`# TYPE t histogram\n${lines}t_sum 1\nt_count 1\n`, 'openMetrics');
    expect([...text.toString().matchAll(/le="(.*)"/g)].map(([, bound]) => bound)).toEqual([
      '1e-05',
      '0.25',
      '1.0',
      '1e+06',
      '1.23456789e+08',
      '1e+24',
      '+Inf',
    ]);
    if (!SKIP_STRICT) strictFamilies(`${text}# EOF\n`);
    expect((await convert('# TYPE t histogram\nt_bucket{le="nan"} 1\n', 'openMetrics')).toString()).toMatch(
      /"NaN"/,
    );
  });

  it('has each series once, the first, whoever joined the texts', async () => {
    const registry = '# TYPE g gauge\ng{a="1"} 1\ng{a="2",b="1"} 2\n# EOF\n';
    const other = registry.replace('a="2",b="1"', 'b="1",a="2"').replace(/ (\d)$/gm, ' 9');
    const text = await convert(registry + other, 'openMetrics', {
      openMetrics: true,
    });
    expect(text.toString()).toBe('# TYPE g gauge\ng{a="1"} 1\ng{a="2",b="1"} 2\n');
  });

  it('cannot be mistaken for a family of ours', async () => {
    for (const name of ['watchdog_stalls', 'watchdog_stalls_created', 'watchdog_pool_capacity_total'])
      expect((await convert(`${name} 1\n`, 'openMetrics')).toString()).toBe('');
  });
});

describe('protobuf', () => {
  it('is made of the text format: no series is lost', async () => {
    const families = decode(await convert(TEXT, 'protobuf', { labels: { app: 'shop' } }));
    expect(families.map(({ name, type }) => [name, type])).toEqual([
      ['orders_total', 'counter'],
      ['plain', 'counter'],
      ['size', 'gauge'],
      ['size_total', 'counter'],
      ['loose', 'untyped'],
      ['latency', 'histogram'],
      ['wait', 'summary'],
    ]);
    expect(families[0]).toMatchObject({
      help: 'Orders, "paid".',
      metrics: [{ labels: { app: 'shop', path: '/größe\n' } }],
    });
    const series = new Map(families.flatMap(({ metrics }) => metrics.flatMap((one) => [...one.series])));
    expect(series.size).toBe(TEXT.split('\n').filter((line) => /^\w/.test(line)).length);
    expect(series.get('latency_bucket{app="shop",le="1",path="a"}')).toBe(2);
    expect(series.get('wait{app="shop",quantile="1"}')).toBe(3);
    expect(series.get('size{app="shop"}')).toBe(Number.POSITIVE_INFINITY);
  });

  it.each([
    ['no sum', 'latency_bucket{le="1"} 2\nlatency_count 2\n'],
    ['no count', 'latency_bucket{le="1"} 2\nlatency_sum 2\n'],
    ['half a value', 'latency_bucket{le="1"} 0.5\nlatency_sum 2\nlatency_count 1\n'],
    ['its parts far apart', 'latency_sum 2\nlatency_sum{a="b"} 1\nlatency_count{a="b"} 1\nlatency_count 1\n'],
    ['a sample of no part', 'latency_sum 2\nlatency_count 1\nlatency 5\n'],
    ['a bound that is no number', 'latency_bucket{le="NaN"} 1\nlatency_sum 2\nlatency_count 1\n'],
  ])('of a histogram with %s every sample is served by its own name', async (_, lines) => {
    const families = decode(await convert(`# TYPE latency histogram\n${lines}`, 'protobuf'));
    const values = families.flatMap(({ metrics }) => metrics.flatMap(({ series }) => [...series.values()]));
    const wanted = lines
      .trim()
      .split('\n')
      .map((line) => Number(line.split(' ').at(-1)));
    expect(values.sort()).toEqual(wanted.sort());
  });

  it('has the buckets of a histogram in their order: a scraper reads no further than +Inf', async () => {
    const lines = 'a_bucket{le="+Inf"} 2\na_bucket{le="1"} 1\na_sum 2\na_count 2\n';
    const [family] = decode(await convert(`# TYPE a histogram\n${lines}`, 'protobuf'));
    expect([...(family?.metrics[0]?.series.keys() ?? [])].slice(2)).toEqual([
      'a_bucket{le="1"}',
      'a_bucket{le="+Inf"}',
    ]);
  });

  it('has the exemplars of OpenMetrics', async () => {
    const families = decode(await convert(OPENMETRICS, 'protobuf', { openMetrics: true }));
    expect(families.flatMap(({ metrics }) => metrics.flatMap(({ exemplars }) => exemplars))).toEqual([
      { labels: { trace_id: 'a # {b' }, value: 1, timestamp: 1_700_000_000.5 },
      { labels: { trace_id: 'abc' }, value: 0.5, timestamp: undefined },
    ]);
  });

  it('has an exemplar of before 1970', async () => {
    const text = '# TYPE c counter\nc_total 1 # {a="1"} 1 -1.5\n';
    const [family] = decode(await convert(text, 'protobuf', { openMetrics: true }));
    expect(family?.metrics[0]?.exemplars).toEqual([{ labels: { a: '1' }, value: 1, timestamp: -1.5 }]);
  });

  it('of a family of many pieces is one message, and the thread does other things meanwhile', async () => {
    const lines = Array.from({ length: 20_000 }, (_, i) => `mine{path="/api/v1/customers/${i}"} ${i}\n`);
    let turns = 0;
    const count = (): void => {
      turns++;
      counting = setImmediate(count);
    };
    let counting = setImmediate(count);
    const [family, ...others] = decode(await convert(`# TYPE mine gauge\n${lines.join('')}`, 'protobuf'));
    clearImmediate(counting);
    // Those of reading it and of putting it together are 9.
    expect(turns).toBeGreaterThan(12);
    expect(others).toEqual([]);
    expect(family?.metrics).toHaveLength(20_000);
    expect(family?.metrics.at(-1)?.series.get('mine{path="/api/v1/customers/19999"}')).toBe(19_999);
  });
});
