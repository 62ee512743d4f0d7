import {
  type Bucket,
  type EncodedExemplar,
  encodeLabels,
  type MetricPoint,
} from '../metrics/client-model.js';
import { type ForeignFamily, NUMBERED } from './families.js';
import { asNumber, type Label } from './sample.js';

export interface ForeignSample {
  readonly name: string;
  /** As they are, not as they stand in the text. */
  readonly labels: readonly Label[];
  readonly value: number;
  readonly exemplar?: EncodedExemplar | undefined;
}

/** Puts the samples of a family together to what they are samples of. */
export interface PointReader {
  sample(sample: ForeignSample): void;
  end(): void;
}

/** Samples in a row that have all labels in common but that of the bucket or quantile. */
export interface Group {
  readonly key: string;
  readonly labels: readonly Label[];
  readonly samples: ForeignSample[];
  /** By bound or quantile. */
  readonly parts: (readonly [number, ForeignSample])[];
  sum?: number;
  count?: number;
}

/** @param onLoose a sample that is part of nothing */
export function createPointReader(
  family: ForeignFamily,
  onPoint: (point: MetricPoint) => void,
  onLoose: (sample: ForeignSample) => void,
): PointReader {
  const { name, type = 'untyped' } = family;
  if (type !== 'histogram' && type !== 'summary') {
    return {
      sample(sample) {
        if (sample.name !== name) onLoose(sample);
        else onPoint({ ...sample, type: type as 'counter', labels: encodeLabels(sample.labels) });
      },
      end() {},
    };
  }
  return createGroupReader(
    family,
    (group) => {
      const point = pointOf(type, group);
      if (point) onPoint(point);
      else group.samples.forEach(onLoose);
    },
    onLoose,
  );
}

/** The same for the same labels, in whatever order they stand. */
export const seriesKey = (labels: readonly Label[]): string =>
  JSON.stringify(labels.length < 2 ? labels : labels.toSorted(([a], [b]) => (a < b ? -1 : 1)));

/** Of a histogram or summary. */
export function createGroupReader(
  { name: family, type }: ForeignFamily,
  onGroup: (group: Group) => void,
  onLoose: (sample: ForeignSample) => void,
): PointReader {
  const numbered = NUMBERED.get(type);
  const partName = type === 'histogram' ? `${family}_bucket` : family;
  let open: Group | undefined;

  function close(): void {
    const group = open;
    open = undefined;
    if (group) onGroup(group);
  }

  /** Whether it is a part of such a group, which has none like it. */
  function take(group: Group, { name, value }: ForeignSample): boolean {
    if (name === `${family}_sum` && group.sum === undefined) group.sum = value;
    else if (name === `${family}_count` && group.count === undefined) group.count = value;
    else return false;
    return true;
  }

  return {
    sample(sample) {
      const labels = sample.labels.filter(([label]) => label !== numbered);
      const number = sample.labels.find(([label]) => label === numbered)?.[1];
      const key = seriesKey(labels);
      if (open?.key !== key) close();
      open ??= { key, labels, samples: [], parts: [] };
      if (sample.name === partName && number !== undefined) open.parts.push([asNumber(number), sample]);
      else if (number !== undefined || !take(open, sample)) {
        onLoose(sample);
        return;
      }
      open.samples.push(sample);
    },
    end: close,
  };
}

/** `undefined` if it is not whole. */
function pointOf(type: 'histogram' | 'summary', point: Group): MetricPoint | undefined {
  const { sum, count } = point;
  // Prometheus reads no further than the bucket without a bound.
  const parts = point.parts.toSorted(([a], [b]) => a - b);
  if (sum === undefined || !isCount(count) || parts.some(([number]) => Number.isNaN(number)))
    return undefined;
  const labels = encodeLabels(point.labels);
  if (type === 'histogram') {
    if (!parts.every(([, { value }]) => isCount(value))) return undefined;
    const buckets = parts.map(([bound, { value, exemplar }]): Bucket => ({ bound, count: value, exemplar }));
    return { type, labels, sum, count, buckets };
  }
  return { type, labels, sum, count, quantiles: parts.map(([quantile, { value }]) => [quantile, value]) };
}

export const isCount = (value: number | undefined): value is number =>
  Number.isSafeInteger(value) && Number(value) >= 0;
