import { describe, expect, it } from 'vitest';
import { cleanFamilies } from '../../worker/relay/exposition.js';

async function clean(text: string, openMetrics = false) {
  const dropped: string[] = [];
  const bytes = new TextEncoder().encode(text);
  const pieces = await cleanFamilies(bytes, openMetrics, (reason) => dropped.push(reason));
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
    '# TYPE watchdog_stalls_total counter\nwatchdog_stalls_total 9\n# TYPE mine gauge\nmine 1\nwatchdog_stall_duration_seconds_count 3\n# TYPE watchdog_turns gauge\nwatchdog_eventloop_turns_total 7\n',
  );
  expect(text).toBe('# TYPE mine gauge\nmine 1\n');
  expect(dropped).toEqual(['duplicate', 'duplicate', 'duplicate']);
});

it.each([
  ['a line that is no sample', 'mine{ 1'],
  ['a value that is no number', 'mine one'],
  ['a label without quotes', 'mine{a=b} 1'],
  ['a bare word', 'Internal Server Error'],
  ['a number that Prometheus does not read', 'mine 0x10'],
  ['a number out of range', 'mine 1e400'],
  ['a type that does not exist', '# TYPE mine banana\nmine 1'],
  ['a line that does not end', `mine{a="${'\\\\'.repeat(40_000)}"} 1`],
])('loses only the family with %s', async (_, line) => {
  const { text, dropped } = await clean(
    `# TYPE fine gauge\nfine 1\n# HELP mine Mine.\n${line}\n# TYPE last gauge\nlast 2\n`,
  );
  expect(text).toBe('# TYPE fine gauge\nfine 1\n\n# TYPE last gauge\nlast 2\n');
  expect(dropped).toEqual(['invalid']);
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
    true,
  );
  expect(text).toBe(
    '# HELP jobs_total Jobs.\n# TYPE jobs_total counter\njobs_total{a="b"} 5\njobs_total{a="c"} 6\n\n# TYPE thing untyped\nthing 1\n',
  );
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
