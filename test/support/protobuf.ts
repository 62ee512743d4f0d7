import { BinaryReader, WireType } from '@bufbuild/protobuf/wire';

/** A message's fields by number, each in the order in which it comes; nested messages as bytes. */
type Fields = ReadonlyMap<number, readonly (number | Uint8Array)[]>;

function fieldsOf(bytes: Uint8Array): Fields {
  const reader = new BinaryReader(bytes);
  const fields = new Map<number, (number | Uint8Array)[]>();
  while (reader.pos < reader.len) {
    const [field, type] = reader.tag();
    const value =
      type === WireType.Bit64
        ? reader.double()
        : type === WireType.Varint
          ? Number(reader.int64())
          : reader.bytes();
    fields.set(field, [...(fields.get(field) ?? []), value]);
  }
  return fields;
}

const text = (fields: Fields, field: number): string => Buffer.from(bytes(fields, field)).toString();
const bytes = (fields: Fields, field: number): Uint8Array =>
  (fields.get(field)?.[0] as Uint8Array | undefined) ?? new Uint8Array();
const number = (fields: Fields, field: number): number => (fields.get(field)?.[0] as number | undefined) ?? 0;
const all = (fields: Fields, field: number): Fields[] =>
  (fields.get(field) ?? []).map((one) => fieldsOf(one as Uint8Array));
const signed = (zigzag: number): number => (zigzag % 2 === 0 ? zigzag / 2 : -(zigzag + 1) / 2);
const labelsOf = (fields: Fields): Record<string, string> =>
  Object.fromEntries(all(fields, 1).map((pair) => [text(pair, 1), text(pair, 2)]));
const createdOf = (fields: Fields, field: number): number | undefined => {
  const [stamp] = all(fields, field);
  return stamp && number(stamp, 1) + number(stamp, 2) / 1e9;
};

export interface Native {
  readonly count: number;
  readonly sum: number;
  readonly zeroThreshold: number;
  readonly zeroCount: number;
  /** Counts by the upper bound of their bucket. */
  readonly buckets: ReadonlyMap<number, number>;
}

export interface Decoded {
  readonly name: string;
  readonly help: string;
  readonly type: string;
  readonly metrics: readonly {
    readonly labels: Readonly<Record<string, string>>;
    /** By name and labels, as in the text format; labels in alphabetical order. */
    readonly series: ReadonlyMap<string, number>;
    readonly exemplars: readonly {
      labels: Record<string, string>;
      value: number;
      timestamp: number | undefined;
    }[];
    readonly created: number | undefined;
    readonly native: Native | undefined;
  }[];
}

const TYPES = ['counter', 'gauge', 'summary', 'untyped', 'histogram'];
const VALUES = [3, 2, 4, 5, 7];

/** Reads Prometheus' protobuf: families, each with its length before it. */
export function decode(body: Uint8Array): Decoded[] {
  const reader = new BinaryReader(body);
  const families: Decoded[] = [];
  while (reader.pos < reader.len) families.push(familyOf(fieldsOf(reader.bytes())));
  return families;
}

function familyOf(fields: Fields): Decoded {
  const name = text(fields, 1);
  const type = number(fields, 3);
  return {
    name,
    help: text(fields, 2),
    type: TYPES[type] as string,
    metrics: all(fields, 4).map((metric) => {
      const labels = labelsOf(metric);
      const [value] = all(metric, VALUES[type] as number) as [Fields];
      return { labels, ...pointOf(name, TYPES[type] as string, labels, value) };
    }),
  };
}

/** Labels in alphabetical order, numbers as Prometheus has them. */
export function seriesName(name: string, labels: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(labels).map(([key, value]) => `${key}=${JSON.stringify(value)}`);
  return `${name}{${pairs.sort().join()}}`;
}

function pointOf(
  name: string,
  type: string,
  labels: Record<string, string>,
  value: Fields,
): Omit<Decoded['metrics'][number], 'labels'> {
  if (type !== 'histogram' && type !== 'summary') {
    const exemplars = type === 'counter' ? all(value, 2).map(exemplarOf) : [];
    const created = type === 'counter' ? createdOf(value, 3) : undefined;
    return {
      series: new Map([[seriesName(name, labels), number(value, 1)]]),
      exemplars,
      created,
      native: undefined,
    };
  }
  const series = new Map([
    [seriesName(`${name}_count`, labels), number(value, 1)],
    [seriesName(`${name}_sum`, labels), number(value, 2)],
  ]);
  for (const part of all(value, 3)) {
    const [key, of, at] =
      type === 'histogram' ? ([`${name}_bucket`, 'le', 2] as const) : ([name, 'quantile', 1] as const);
    const own = { ...labels, [of]: numberText(number(part, at)) };
    series.set(seriesName(key, own), number(part, type === 'histogram' ? 1 : 2));
  }
  if (type === 'summary') return { series, exemplars: [], created: undefined, native: undefined };
  return {
    series,
    exemplars: all(value, 3).flatMap((bucket) => all(bucket, 3).map(exemplarOf)),
    created: createdOf(value, 15),
    native: value.has(5) ? nativeOf(value) : undefined,
  };
}

const numberText = (value: number): string => (value === Number.POSITIVE_INFINITY ? '+Inf' : String(value));

const exemplarOf = (exemplar: Fields): Decoded['metrics'][number]['exemplars'][number] => ({
  labels: labelsOf(exemplar),
  value: number(exemplar, 2),
  timestamp: createdOf(exemplar, 3),
});

function nativeOf(histogram: Fields): Native {
  const perDoubling = 2 ** signed(number(histogram, 5));
  const deltas = (histogram.get(13) ?? []) as number[];
  const buckets = new Map<number, number>();
  let index = 0;
  let count = 0;
  let taken = 0;
  for (const span of all(histogram, 12)) {
    index += signed(number(span, 1));
    for (let left = number(span, 2); left > 0; left--) {
      count += signed(deltas[taken++] as number);
      buckets.set(2 ** (index++ / perDoubling), count);
    }
  }
  return {
    count: number(histogram, 1),
    sum: number(histogram, 2),
    zeroThreshold: number(histogram, 6),
    zeroCount: number(histogram, 7),
    buckets,
  };
}
