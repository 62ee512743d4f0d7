import { describe, expect, it } from 'vitest';
import type { Format } from '../../../../worker/metrics/format.js';
import { type CleanOptions, cleanFamilies } from '../../../../worker/relay/exposition.js';
import { promtool, SKIP_PROMTOOL } from '../../../support/promtool.js';

async function clean(text: string, options: Partial<CleanOptions> = {}, format: Format = 'text') {
  const dropped: string[] = [];
  const bytes = new TextEncoder().encode(text);
  const onDrop = (reason: string): void => void dropped.push(reason);
  const exposition = await cleanFamilies(bytes, { openMetrics: false, onDrop, ...options });
  const pieces = await exposition.pieces(format);
  return { text: Buffer.concat(pieces.map(({ plain }) => plain)).toString(), dropped, pieces };
}

it('passes through when there is nothing wrong with it', async () => {
  const text = [
    '# HELP http_requests_total Größe, in 日本語.',
    '# TYPE http_requests_total counter',
    'http_requests_total{path="/a b",quote="\\"{}\\\\"} 3',
    'http_requests_total{path="/größe/日本語"} 4',
    '',
    '# HELP latency Latency.',
    '# TYPE latency histogram',
    'latency_bucket{le="+Inf"} 1',
    'latency_sum 0.5',
    'latency_count 1',
    '',
  ].join('\n');
  expect(await clean(text)).toMatchObject({ text, dropped: [] });
  expect(await clean(text.trimEnd())).toMatchObject({ text });
  expect(await clean('')).toMatchObject({ text: '', dropped: [] });
});

it('loses the families that we have too', async () => {
  const { text, dropped } = await clean(
    '# TYPE watchdog_stalls_total counter\nwatchdog_stalls_total 9\n# TYPE mine gauge\nmine 1\n' +
      'watchdog_stall_duration_seconds_count 3\n' +
      '# TYPE watchdog_turns gauge\nwatchdog_eventloop_turns_total 7\n',
  );
  expect(text).toBe('# TYPE mine gauge\nmine 1\n');
  expect(dropped).toEqual(['duplicate', 'duplicate', 'duplicate']);
});

it("keeps its own of prom-client's defaults if ours are not served", async () => {
  const text =
    '# TYPE process_cpu_seconds_total counter\nprocess_cpu_seconds_total 9\n# TYPE nodejs_version_info gauge\n' +
    'nodejs_version_info{version="v1"} 1\n# TYPE process_heap_bytes gauge\nprocess_heap_bytes 1\n';
  expect((await clean(text)).text).toBe('# TYPE process_heap_bytes gauge\nprocess_heap_bytes 1\n');
  expect((await clean(text)).dropped).toEqual(['duplicate', 'duplicate']);
  const kept = await clean(text, { processMetrics: false });
  expect(kept.text.split('\n').filter((line) => line !== '')).toHaveLength(6);
  expect(kept.dropped).toEqual([]);
});

/**
 * Prometheus 2.42, or the parser that its tools share with others, refuses a whole scrape for one of these.
 */
const REFUSED: readonly (readonly [string, string])[] = [
  ['a line that is no sample', 'mine{ 1'],
  ['a value that is no number', 'mine one'],
  ['a value that is missing', 'mine'],
  ['a third number', 'mine 1 2 3'],
  ['a label without quotes', 'mine{a=b} 1'],
  ['a label twice', 'mine{a="1",b="2",a="3"} 1'],
  ['a name among the labels', 'mine{__name__="other"} 1'],
  ['a label that a metric may not have', 'mine{a-b="1"} 1'],
  ['two commas', 'mine{a="1",,b="2"} 1'],
  ['no comma', 'mine{a="1"b="2"} 1'],
  ['an escape that does not exist', 'mine{a="C:\\Users"} 1'],
  ['a name in quotes', '{"my.own"} 1'],
  ['a bound that is no number', '# TYPE mine histogram\nmine_bucket{le="low"} 1'],
  ['a bare word', 'Internal Server Error'],
  ['hexadecimals', 'mine 0x10'],
  ['a value that is not quite infinite', 'mine infi'],
  ['a NaN with a sign', 'mine +nan'],
  ['a number out of range', 'mine 1e400'],
  ['a NUL in its name', 'mi\0ne 1'],
  ['a type that does not exist', '# TYPE mine banana\nmine 1'],
  ['no type', '# TYPE mine\nmine 1'],
  ['two types', '# TYPE mine gauge\nmine 1\n# TYPE mine counter\nmine 2'],
  ['a line that does not end', `mine{a="${'\\\\'.repeat(40_000)}"} 1`],
];

it.each(REFUSED)('loses only the family with %s', async (_, line) => {
  const { text, dropped } = await clean(
    `# TYPE fine gauge\nfine 1\n# HELP mine Mine.\n${line}\n# TYPE last gauge\nlast 2\n`,
  );
  expect(text).toBe('# TYPE fine gauge\nfine 1\n\n# TYPE last gauge\nlast 2\n');
  expect(dropped).toEqual(['invalid']);
});

it('loses the family of the line, not the one before, whether it has comments or not', async () => {
  const { text, dropped } = await clean('fine 1\nmine{a="1",a="2"} 1\nlast 2\nmine 3\n');
  expect(text).toBe('fine 1\n\nlast 2\n');
  expect(dropped).toEqual(['invalid']);
  expect(await clean('???\nfine 1\n')).toMatchObject({ text: 'fine 1\n', dropped: ['invalid'] });
});

it.each([
  ['mine Nan', 'mine NaN'],
  ['mine nan', 'mine NaN'],
  ['mine inf', 'mine Inf'],
  ['mine INFINITY', 'mine Inf'],
  ['mine +inf', 'mine +Inf'],
  ['mine -Infinity', 'mine -Inf'],
  ['mine 1.5E-400', 'mine 1.5E-400'],
  ['mine\t+.5', 'mine +.5'],
  ['mine{a="1",} 1', 'mine{a="1",} 1'],
  ['mine { a = "1" , b="}\\n" }\t1 \r', 'mine { a = "1" , b="}\\n" } 1'],
  ['mine{ }1', 'mine{ }1'],
  ['mine{le="low"} 1', 'mine{le="low"} 1'],
  ['  mine 1', 'mine 1'],
  ['mine 1\n \t\n', 'mine 1'],
  ['mine{a="x\0y"} 1 # {trace="1"} 2', 'mine{a="x\0y"} 1'],
  ['#  TYPE\tmine  gauge \r\nmine 1', '# TYPE mine gauge\nmine 1'],
  ['# TYPE mine gauge\nmine 1\n# TYPE mine gauge\nmine 2', '# TYPE mine gauge\nmine 1\nmine 2'],
  ['# HELP mine C:\\Users\\\\me\\n\nmine 1', '# HELP mine C:\\\\Users\\\\me\\n\nmine 1'],
  ['# TYPE größe banana\n# TYPE "my.own" gauge\nmine 1', 'mine 1'],
])('serves %j as it is read: %j', async (given, wanted) => {
  expect(await clean(`fine 1\n${given}`)).toMatchObject({ text: `fine 1\n\n${wanted}\n`, dropped: [] });
});

it.skipIf(SKIP_PROMTOOL)('is taken by Prometheus, whatever it was', async () => {
  const lines = REFUSED.map(([, line], i) => line.replaceAll('mine', `mine${i}`)).join('\n');
  const odd = [
    'a Nan',
    'b inf',
    'c { a = "1" , }\t1 \r',
    '# HELP d C:\\Users\n#  TYPE\td  gauge \r\nd 1 1.5',
  ];
  const { text } = await clean(`${lines}\n${odd.join('\n')}\n`, { labels: { app: '"\\ 日本' } });
  // It exits with 3 for what it would rather have otherwise, with 1 for what it cannot read.
  const read = (): string => promtool(['check', 'metrics'], { input: text });
  expect(read).toThrow(expect.objectContaining({ status: 3 }));
  expect(text.match(/^[a-d]\b/gm)).toHaveLength(4);
});

it.skipIf(SKIP_PROMTOOL)('puts a family by the name of a part where readers look for it', async () => {
  const given =
    '# TYPE t_seconds histogram\nt_seconds_bucket{le="+Inf"} 1\nt_seconds_sum 1\nt_seconds_count 1\n' +
    '# HELP t_seconds_count Mine.\n# TYPE t_seconds_count gauge\nt_seconds_count{a="1"} 2\n';
  const { text, dropped } = await clean(given);
  expect(dropped).toEqual([]);
  expect(text).toBe(`${given.slice(0, given.indexOf('# HELP'))}t_seconds_count{a="1"} 2\n`);
  const status = (input: string): unknown => {
    try {
      promtool(['check', 'metrics'], { input });
    } catch (error) {
      return (error as { status: unknown }).status;
    }
    return 0;
  };
  expect(status(given)).toBe(1);
  expect(status(text)).not.toBe(1);
});

it("carries the watchdog's own labels, but for those that a series has itself", async () => {
  const labels = { app: 'shop "1"', zone: '日本' };
  const given = 'mine 1\nmine{} 2\nmine{a="1"} 3\nmine { zone = "here" } 4\nmine{app="x",zone="y"} 5\n';
  const { text } = await clean(given, { labels });
  expect(text.split('\n')).toEqual([
    'mine{app="shop \\"1\\"",zone="日本"} 1',
    'mine{app="shop \\"1\\"",zone="日本"} 2',
    'mine{app="shop \\"1\\"",zone="日本",a="1"} 3',
    'mine{app="shop \\"1\\"",zone = "here" } 4',
    'mine{app="x",zone="y"} 5',
    '',
  ]);
  const many = `mine{path="/größe"} 1\n`.repeat(20_000);
  expect((await clean(many, { labels: { app: 'shop' } })).text).toBe(
    many.replaceAll('path', 'app="shop",path'),
  );
});

it('takes no more than it may, with these labels', async () => {
  const given = `one 1\n${'two 2\n'.repeat(100)}three 3\n`;
  const { text, dropped } = await clean(given, { labels: { app: 'x'.repeat(100) }, maxBytes: 3000 });
  expect(text.match(/^\w+/gm)).toEqual(['one', 'three']);
  expect(dropped).toEqual(['too_large']);
  expect((await clean(given, { maxBytes: 3000 })).dropped).toEqual([]);
});

it('puts the samples of a family together, without timestamps', async () => {
  const { text } = await clean(
    'one{a="1"} 1 1700000000000\none{a="2"}   2\ntwo 1\none{a="3"} 3 1700000000000\none{a="4"} 4\ntwo 2 1\n',
  );
  expect(text).toBe('one{a="1"} 1\none{a="2"} 2\none{a="3"} 3\none{a="4"} 4\n\ntwo 1\ntwo 2\n');
});

it('is turned from OpenMetrics into the text format', async () => {
  const { text } = await clean(
    [
      '# HELP jobs Jobs.',
      '# TYPE jobs counter',
      '# UNIT jobs jobs',
      'jobs_total{a="b"} 5 # {trace_id="abc"} 0.67 1700000000.1',
      'jobs_created{a="b"} 1700000000',
      'jobs_total{a="c"} 6',
      '# TYPE thing unknown',
      'thing 1 1700000000.5',
      '# EOF',
      '',
    ].join('\n'),
    { openMetrics: true },
  );
  expect(text).toBe(
    '# HELP jobs_total Jobs.\n# TYPE jobs_total counter\njobs_total{a="b"} 5\njobs_total{a="c"} 6\n' +
      '\n# TYPE thing untyped\nthing 1\n',
  );
});

it('of OpenMetrics keeps what is called created and is not when a series began', async () => {
  const given =
    '# TYPE users_created gauge\nusers_created 5\n# TYPE jobs counter\njobs_total 1\njobs_created 1700000000\n' +
    '# TYPE t histogram\nt_bucket{le="+Inf"} 1\nt_sum 1\nt_count 1\nt_created 1700000000\n' +
    '# TYPE jobs_created gauge\njobs_created 6\n# EOF\n';
  const { text, dropped } = await clean(given, { openMetrics: true });
  expect(text.match(/^\w+/gm)?.sort()).toEqual([
    'jobs_created',
    'jobs_total',
    't_bucket',
    't_count',
    't_sum',
    'users_created',
  ]);
  expect(dropped).toEqual([]);
});

describe('however large it is', () => {
  it('comes in pieces, and the thread does other things meanwhile', async () => {
    const line = 'mine{path="/api/v1/customers/4711/orders",status="200"} 1';
    const text = `# TYPE mine gauge\n${`${line} 1700000000000\n`.repeat(20_000)}`;
    let turns = 0;
    const count = (): void => {
      turns++;
      counting = setImmediate(count);
    };
    let counting = setImmediate(count);
    const { text: cleaned, pieces } = await clean(text);
    clearImmediate(counting);
    expect(cleaned).toBe(`# TYPE mine gauge\n${`${line}\n`.repeat(20_000)}`);
    expect(pieces.length).toBeGreaterThan(5);
    expect(turns).toBeGreaterThan(5);
  });

  it('is not kept in mind family by family, or line by line, without a bound', async () => {
    const names = Array.from({ length: 20_000 }, (_, i) => `name_${i} 1\n`).join('');
    const many = await clean(names);
    expect(many.text.match(/^name_/gm)).toHaveLength(10_000);
    expect(many.dropped).toEqual(['too_large']);
    const scattered = await clean('one 1\ntwo 2\n'.repeat(60_000));
    expect(scattered.dropped).toEqual(['too_large']);
  });
});
