import { describe, expect, it } from 'vitest';
import { cleanFamilies, createRelay } from '../../worker/relay.js';

const clean = (text: string, openMetrics = false) => {
  const dropped: string[] = [];
  return { text: cleanFamilies(text, openMetrics, (reason) => dropped.push(reason)), dropped };
};

describe('a foreign exposition', () => {
  it('passes through when there is nothing wrong with it', () => {
    const text = [
      '# HELP http_requests_total Requests.',
      '# TYPE http_requests_total counter',
      'http_requests_total{path="/a b",quote="\\"{}\\\\"} 3',
      '',
      '# HELP latency Latency.',
      '# TYPE latency histogram',
      'latency_bucket{le="+Inf"} 1',
      'latency_sum 0.5',
      'latency_count 1',
      '',
    ].join('\n');
    expect(clean(text)).toEqual({ text, dropped: [] });
  });

  it('loses the families that we have too', () => {
    const { text, dropped } = clean(
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
  ])('loses only the family with %s', (_, line) => {
    const { text, dropped } = clean(
      `# TYPE fine gauge\nfine 1\n# HELP mine Mine.\n${line}\n# TYPE last gauge\nlast 2\n`,
    );
    expect(text).toContain('fine 1');
    expect(text).toContain('last 2');
    expect(text).not.toContain(line);
    expect(dropped).toEqual(['invalid']);
  });

  it('is turned from OpenMetrics into the text format', () => {
    const { text } = clean(
      [
        '# HELP jobs Jobs.',
        '# TYPE jobs counter',
        '# UNIT jobs jobs',
        'jobs_total{a="b"} 5 # {trace_id="abc"} 0.67 1700000000.1',
        'jobs_created{a="b"} 1700000000',
        '# TYPE thing unknown',
        'thing 1 1700000000.5',
        '# EOF',
        '',
      ].join('\n'),
      true,
    );
    expect(text).toBe(
      '# HELP jobs_total Jobs.\n# TYPE jobs_total counter\njobs_total{a="b"} 5\n\n# TYPE thing untyped\nthing 1\n',
    );
  });
});

describe('relay', () => {
  const rig = (fetch: () => Promise<{ text: string; contentType: string }>, frozen?: boolean) => {
    let now = 0;
    let errors = 0;
    let turns = 0;
    const relay = createRelay({
      fetch,
      now: () => now,
      // It turns whenever it is asked for, unless it is frozen.
      turns: () => (frozen ? turns : turns++),
      onError: () => errors++,
      onDrop: () => {},
      ...(frozen !== undefined && { giveUpMs: 50 }),
    });
    return { relay, errors: () => errors, pass: (ms: number) => (now += ms) };
  };

  it('serves the last copy, with its age, when main cannot answer', async () => {
    let asked = 0;
    const { relay, pass } = rig(async () => ({ text: `mine ${++asked}\n`, contentType: 'text/plain' }));
    expect(relay.text()).toBe('');
    expect(relay.ageMs(0)).toBeUndefined();
    await relay.refresh(false, undefined);
    await relay.refresh(true, undefined);
    expect(asked).toBe(1);
    expect(relay.text()).toBe('mine 1\n');
    expect(relay.ageMs(pass(4000))).toBe(4000);
  });

  it('asks one question at a time, and goes by its deadline', async () => {
    let asked = 0;
    const { relay } = rig(() => {
      asked++;
      return new Promise(() => {});
    });
    await relay.refresh(false, 100);
    await relay.refresh(false, 100);
    expect(asked).toBe(1);
  });

  it.each([
    [true, 0],
    [false, 1],
  ])('gives up a question that is not answered; main frozen: %s, faults: %i', async (frozen, faults) => {
    let asked = 0;
    const { relay, errors } = rig(() => {
      asked++;
      return new Promise(() => {});
    }, frozen);
    // A question is asked anew once the one before is given up.
    while (asked < 2) await relay.refresh(false, 20);
    expect(errors()).toBe(faults);
  });

  it('counts a registry that throws, and asks again', async () => {
    let asked = 0;
    const { relay, errors } = rig(async () => {
      if (++asked === 1) throw new Error('no');
      return { text: 'mine 1\n', contentType: '' };
    });
    await relay.refresh(false, undefined);
    expect(errors()).toBe(1);
    await relay.refresh(false, undefined);
    expect(relay.text()).toBe('mine 1\n');
  });
});
