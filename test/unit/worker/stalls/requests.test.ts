import { expect, it } from 'vitest';
import { requestInWords, requestsOf } from '../../../../worker/stalls/requests.js';

const span = (spanId: string, more: object = {}) => ({
  request: { traceId: 'f'.repeat(32), spanId, ...more },
});
const said = (context: unknown) => ({ request: { context } });

it('counts the samples of each request, most first; a span is one whatever is said of it', () => {
  const requests = requestsOf([
    {},
    span('a'),
    said({ id: 1 }),
    span('b'),
    said({ id: 1 }),
    span('b', { context: 1 }),
  ]);
  expect(requests).toEqual([
    { ...said({ id: 1 }).request, samples: 2 },
    { ...span('b', { context: 1 }).request, samples: 2 },
    { ...span('a').request, samples: 1 },
  ]);
});

it('is bounded', () => {
  const samples = Array.from({ length: 100 }, (_, i) => said(i % 20));
  expect(requestsOf([...samples, said(19)])).toHaveLength(10);
  expect(requestsOf([...samples, said(19)])[0]).toEqual({ context: 19, samples: 6 });
});

it('is told in words', () => {
  const words = (...samples: Parameters<typeof requestsOf>[0][number][]) =>
    requestInWords(requestsOf(samples));
  const trace = `trace ${'f'.repeat(32)}`;
  expect(words()).toBeUndefined();
  expect(words(span('a', { name: 'GET /report', context: 1 }))).toBe(`request GET /report, ${trace}`);
  expect(words(span('a'), span('b'))).toBe(`request ${trace} and 1 more`);
  expect(words(said({ id: 1 }))).toBe('request {"id":1}');
  expect(words(said('x'.repeat(500)))).toBe(`request ${'x'.repeat(119)}…`);
});
