import { BinaryWriter } from '@bufbuild/protobuf/wire';
import {
  type Bucket,
  type EncodedExemplar,
  type EncodedLabels,
  encodeLabels,
  type MetricPoint,
  writeFamilyHead,
  writeMetric,
} from './client-model.js';
import type { Exemplar, Family, Labels } from './family.js';
import type { Complete, CreatedAt, Write } from './render.js';

/**
 * Prometheus' protobuf: one message a family, each with its length before it. The only format that has native
 * histograms; their classic buckets are in it, too.
 */
export function createProtobufWriter(complete: Complete): Write<Uint8Array> {
  const encoded = new WeakMap<Labels, EncodedLabels>();

  function bytesOf(own: Labels): EncodedLabels {
    const labels = complete(own);
    const known = encoded.get(labels);
    if (known) return known;
    const bytes = encode(labels);
    encoded.set(labels, bytes);
    return bytes;
  }

  return (families, createdAt) => {
    const writer = new BinaryWriter();
    for (const family of families) {
      writer.fork();
      writeFamilyHead(writer, family);
      for (const point of pointsOf(family, bytesOf, createdAt)) writeMetric(writer, point);
      writer.join();
    }
    return writer.finish();
  };
}

function* pointsOf(
  family: Family,
  bytesOf: (labels: Labels) => EncodedLabels,
  createdAt: CreatedAt,
): Generator<MetricPoint> {
  const { type, samples } = family;
  let buckets: Bucket[] = [];
  let sum = 0;
  for (const { labels = {}, value, suffix, exemplar, native } of samples) {
    if (suffix === '_bucket') {
      buckets.push({ bound: boundOf(labels), count: value, exemplar: exemplar && encodedExemplar(exemplar) });
    } else if (suffix === '_sum') sum = value;
    else {
      const point = { labels: bytesOf(labels), createdMs: createdAt(family, labels) };
      if (type === 'histogram') yield { ...point, type, sum, count: value, buckets, native };
      else yield { ...point, type, value };
      buckets = [];
    }
  }
}

const boundOf = ({ le }: Labels): number => (le === '+Inf' ? Number.POSITIVE_INFINITY : Number(le));

const encode = (labels: Labels): EncodedLabels =>
  encodeLabels(Object.entries(labels).map(([name, value]) => [name, String(value)]));

const encodedExemplar = ({ labels, value, wallMs }: Exemplar): EncodedExemplar => ({
  labels: encode(labels),
  value,
  wallMs,
});
