import { BinaryWriter, INT32_MAX, UINT32_MAX, WireType } from '@bufbuild/protobuf/wire';
import { NATIVE_FIRST_INDEX, NATIVE_SCHEMA, NATIVE_ZERO_MS } from '../../src/shared/native-buckets.js';
import type { NativeHistogram } from './family.js';

/**
 * Prometheus' data model, the part of it that is served: `io.prometheus.client` of
 * https://github.com/prometheus/client_model. Numbers are those of its fields.
 */
const METRIC_TYPES = { counter: 0, gauge: 1, summary: 2, untyped: 3, histogram: 4 } as const;
export type MetricType = keyof typeof METRIC_TYPES;

/** Where the value of each type lies in a metric. */
const VALUE_FIELDS = { gauge: 2, counter: 3, summary: 4, untyped: 5, histogram: 7 } as const;

/** Label pairs as a metric has them. */
export type EncodedLabels = Uint8Array;

export interface EncodedExemplar {
  readonly labels: EncodedLabels;
  readonly value: number;
  /** Milliseconds since the epoch. */
  readonly wallMs: number | undefined;
}

interface Point {
  readonly labels: EncodedLabels;
  readonly createdMs?: number | undefined;
}

export interface SinglePoint extends Point {
  readonly type: 'counter' | 'gauge' | 'untyped';
  readonly value: number;
  readonly exemplar?: EncodedExemplar | undefined;
}

export interface SummaryPoint extends Point {
  readonly type: 'summary';
  readonly sum: number;
  readonly count: number;
  readonly quantiles: readonly (readonly [quantile: number, value: number])[];
}

export interface Bucket {
  readonly bound: number;
  /** Of all values up to the bound. */
  readonly count: number;
  readonly exemplar?: EncodedExemplar | undefined;
}

export interface HistogramPoint extends Point {
  readonly type: 'histogram';
  readonly sum: number;
  readonly count: number;
  readonly buckets: readonly Bucket[];
  readonly native?: NativeHistogram | undefined;
}

export type MetricPoint = SinglePoint | SummaryPoint | HistogramPoint;

export function encodeLabels(pairs: Iterable<readonly [name: string, value: string]>): EncodedLabels {
  const writer = new BinaryWriter();
  for (const [name, value] of pairs) {
    open(writer, 1);
    text(writer, 1, name);
    text(writer, 2, value);
    writer.join();
  }
  return writer.finish();
}

/** What a family begins with; its metrics may follow in any number of parts. */
export function writeFamilyHead(
  writer: BinaryWriter,
  { name, help, type }: { readonly name: string; readonly help: string; readonly type: MetricType },
): void {
  text(writer, 1, name);
  text(writer, 2, help);
  writer.tag(3, WireType.Varint).uint32(METRIC_TYPES[type]);
}

/** A metric of a family. */
export function writeMetric(writer: BinaryWriter, point: MetricPoint): void {
  open(writer, 4);
  writer.raw(point.labels);
  open(writer, VALUE_FIELDS[point.type]);
  if (point.type === 'histogram') writeHistogram(writer, point);
  else if (point.type === 'summary') writeSummary(writer, point);
  else writeSingle(writer, point);
  writer.join().join();
}

function writeSingle(writer: BinaryWriter, { type, value, exemplar, createdMs }: SinglePoint): void {
  double(writer, 1, value);
  if (type !== 'counter') return;
  if (exemplar) writeExemplar(writer, 2, exemplar);
  if (createdMs !== undefined) timestamp(writer, 3, createdMs);
}

function writeSummary(writer: BinaryWriter, { sum, count, quantiles }: SummaryPoint): void {
  integer(writer, 1, count);
  double(writer, 2, sum);
  for (const [quantile, value] of quantiles) {
    open(writer, 3);
    double(writer, 1, quantile);
    double(writer, 2, value);
    writer.join();
  }
}

function writeHistogram(writer: BinaryWriter, point: HistogramPoint): void {
  const { sum, count, buckets, native, createdMs } = point;
  integer(writer, 1, native ? native.counts.reduce((all, one) => all + one, native.zero) : count);
  double(writer, 2, sum);
  for (const { bound, count: upTo, exemplar } of buckets) {
    open(writer, 3);
    integer(writer, 1, upTo);
    double(writer, 2, bound);
    if (exemplar) writeExemplar(writer, 3, exemplar);
    writer.join();
  }
  if (createdMs !== undefined) timestamp(writer, 15, createdMs);
  if (native) writeNative(writer, native);
}

/** Buckets with nothing in them cost a number each, up to so many; a gap costs two. */
const GAP_MAX = 2;

function writeNative(writer: BinaryWriter, { zero, counts }: NativeHistogram): void {
  writer.tag(5, WireType.Varint).sint32(NATIVE_SCHEMA);
  double(writer, 6, NATIVE_ZERO_MS / 1000);
  integer(writer, 7, zero);
  const spans = spansOf(counts);
  let end = -NATIVE_FIRST_INDEX;
  // One that is empty says that the histogram is a native one.
  if (spans.length === 0) writeSpan(writer, 0, 0);
  for (const [from, to] of spans) {
    // The first counts from index 0, the others from where the one before ends.
    writeSpan(writer, from - end, to - from);
    end = to;
  }
  let last = 0;
  for (const [from, to] of spans) {
    for (const count of counts.slice(from, to)) {
      signed(writer, 13, count - last);
      last = count;
    }
  }
}

/** Begin and end of each row of buckets. */
function spansOf(counts: Readonly<Float64Array>): (readonly [from: number, to: number])[] {
  const spans: [number, number][] = [];
  counts.forEach((count, slot) => {
    if (count === 0) return;
    const last = spans.at(-1);
    if (last && slot - last[1] <= GAP_MAX) last[1] = slot + 1;
    else spans.push([slot, slot + 1]);
  });
  return spans;
}

function writeSpan(writer: BinaryWriter, offset: number, length: number): void {
  open(writer, 12);
  writer.tag(1, WireType.Varint).sint32(offset).tag(2, WireType.Varint).uint32(length).join();
}

function writeExemplar(
  writer: BinaryWriter,
  field: number,
  { labels, value, wallMs }: EncodedExemplar,
): void {
  open(writer, field);
  writer.raw(labels);
  double(writer, 2, value);
  if (wallMs !== undefined) timestamp(writer, 3, wallMs);
  writer.join();
}

function timestamp(writer: BinaryWriter, field: number, wallMs: number): void {
  const seconds = Math.floor(wallMs / 1000);
  const nanos = Math.floor((wallMs - seconds * 1000) * 1e6);
  open(writer, field);
  // Before 1970, too: a clock may say so, and a registry anything.
  writer.tag(1, WireType.Varint).int64(seconds);
  writer.tag(2, WireType.Varint).int32(nanos);
  writer.join();
}

const open = (writer: BinaryWriter, field: number): BinaryWriter =>
  writer.tag(field, WireType.LengthDelimited).fork();
const text = (writer: BinaryWriter, field: number, value: string): BinaryWriter =>
  writer.tag(field, WireType.LengthDelimited).string(value);
const double = (writer: BinaryWriter, field: number, value: number): BinaryWriter =>
  writer.tag(field, WireType.Bit64).double(value);

/** On the wire a number looks the same whatever it may grow to; those of 32 bits are written several times as fast. */
function integer(writer: BinaryWriter, field: number, value: number): void {
  writer.tag(field, WireType.Varint);
  if (value <= UINT32_MAX) writer.uint32(value);
  else writer.uint64(value);
}

function signed(writer: BinaryWriter, field: number, value: number): void {
  writer.tag(field, WireType.Varint);
  if (Math.abs(value) <= INT32_MAX) writer.sint32(value);
  else writer.sint64(value);
}
