import { expect, it } from 'vitest';
import { acceptsGzip, formatOf, prefersHtml } from '../../../../worker/http/accept.js';

const PROTOBUF = 'application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited';
/** As Prometheus asks: 2.42, the same with native histograms, 3, the same with native histograms. */
const PROMETHEUS = {
  '2.42':
    'application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1',
  '2.42 native': `${PROTOBUF},application/openmetrics-text;version=1.0.0;q=0.8,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1`,
  '3': 'application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,text/plain;version=0.0.4;q=0.2,*/*;q=0.1',
  '3 native': `${PROTOBUF};q=0.6,application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,text/plain;version=0.0.4;q=0.2,*/*;q=0.1`,
} as const;

it.each([
  [undefined, 'text'],
  ['', 'text'],
  ['*/*', 'text'],
  ['text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8', 'text'],
  ['image/png', 'text'],
  [PROMETHEUS['2.42'], 'openMetrics'],
  [PROMETHEUS['2.42 native'], 'protobuf'],
  [PROMETHEUS['3'], 'openMetrics'],
  [PROMETHEUS['3 native'], 'protobuf'],
  ['application/openmetrics-text', 'openMetrics'],
  ['Application/OpenMetrics-Text; Version="1.0.0"; charset=utf-8', 'openMetrics'],
  ['application/openmetrics-text;version=0.0.1', 'text'],
  ['application/openmetrics-text;q=0.5,*/*;q=0.9', 'text'],
  ['application/openmetrics-text;q=0', 'text'],
  ['application/openmetrics-text;q=none', 'text'],
  ['text/plain;version=0.0.4,application/openmetrics-text', 'text'],
  ['text/plain;version=1.0.0,application/openmetrics-text;q=0.9', 'openMetrics'],
  [PROTOBUF.replace('delimited', 'text'), 'text'],
  [PROTOBUF.replace('MetricFamily', 'Other'), 'text'],
  ['application/vnd.google.protobuf', 'text'],
])('%s: %s', (accept, format) => {
  expect(formatOf(accept)).toBe(format);
});

it.each([
  ['text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8', true],
  ['text/plain;q=0.5,Text/HTML;q=0.8', true],
  ['text/html;q=0', false],
  ['text/html;q=0.2,text/plain', false],
  ['text/plain', false],
  ['*/*', false],
  [undefined, false],
])('a client that says %s is shown HTML: %s', (accept, html) => {
  expect(prefersHtml(accept)).toBe(html);
});

it.each([
  ['gzip', true],
  ['GZIP; q=0.5', true],
  ['gzip, deflate, br', true],
  ['*', true],
  ['identity;q=0.5, gzip;q=0.5', true],
  ['gzip;q=0', false],
  ['gzip;q=0, *', false],
  ['gzip;q=0;level=1', false],
  ['identity, gzip;q=0.5', false],
  ['gzip;q=none', false],
  ['*;q=0', false],
  ['br', false],
  ['', false],
  [undefined, false],
])('a client that accepts the codings %s gets gzip: %s', (header, gzip) => {
  expect(acceptsGzip(header)).toBe(gzip);
});
