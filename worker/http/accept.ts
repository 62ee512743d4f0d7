import type { Format } from '../metrics/format.js';

/** One of the ranges of an Accept header, or of the codings of Accept-Encoding. */
interface Range {
  readonly type: string;
  readonly parameters: ReadonlyMap<string, string>;
  readonly quality: number;
}

/**
 * The format that an Accept header likes best; of several that it likes as much, the one that it names first.
 * Text where it asks for nothing that there is: a scrape that is not what was asked for is better than none.
 */
export function formatOf(accept: string | undefined): Format {
  let best: Format = 'text';
  let bestQuality = 0;
  for (const range of (accept ?? '').split(',').map(rangeOf)) {
    const format = offered(range);
    if (format === undefined || range.quality <= bestQuality) continue;
    best = format;
    bestQuality = range.quality;
  }
  return best;
}

/** Whether a client asks for HTML by name, as browsers do, and likes no plain text better. */
export function prefersHtml(accept: string | undefined): boolean {
  const ranges = (accept ?? '').split(',').map(rangeOf);
  const qualityOf = (type: string): number =>
    Math.max(0, ...ranges.filter((range) => range.type === type).map(({ quality }) => quality));
  const html = qualityOf('text/html');
  return html > 0 && html >= qualityOf('text/plain');
}

/** Whether gzip is accepted, and liked no less than plain bytes. */
export function acceptsGzip(header: string | undefined): boolean {
  const ranges = (header ?? '').split(',').map(rangeOf);
  const qualityOf = (coding: string): number | undefined =>
    ranges.find(({ type }) => type === coding)?.quality;
  const gzip = qualityOf('gzip') ?? qualityOf('*') ?? 0;
  return gzip > 0 && gzip >= (qualityOf('identity') ?? 0);
}

function rangeOf(text: string): Range {
  const [type = '', ...rest] = text.split(';').map((part) => part.trim());
  const parameters = new Map(
    rest.map((part) => {
      const [name = '', value = ''] = part.split('=').map((side) => side.trim());
      return [name.toLowerCase(), value.replace(/^"(.*)"$/, '$1').toLowerCase()];
    }),
  );
  const quality = Number(parameters.get('q') ?? 1);
  return { type: type.toLowerCase(), parameters, quality: quality >= 0 && quality <= 1 ? quality : 0 };
}

function offered({ type, parameters }: Range): Format | undefined {
  const is = (name: string, value: string): boolean => (parameters.get(name) ?? value) === value;
  switch (type) {
    case 'application/vnd.google.protobuf':
      return is('proto', 'io.prometheus.client.metricfamily') && parameters.get('encoding') === 'delimited'
        ? 'protobuf'
        : undefined;
    case 'application/openmetrics-text':
      return is('version', '1.0.0') ? 'openMetrics' : undefined;
    case 'text/plain':
      return is('version', '0.0.4') ? 'text' : undefined;
    case 'text/*':
    case '*/*':
      return 'text';
    default:
      return undefined;
  }
}
