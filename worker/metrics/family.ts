import type { LabelName } from '../../src/shared/labels.js';

/** What a metric is; each collector exports a table of these. */
export interface Definition {
  readonly name: string;
  readonly type: 'gauge' | 'counter' | 'histogram';
  /** Names of the labels that each of its series has, besides `le` and the user's own. */
  readonly labels: readonly LabelName[];
  readonly help: string;
  /**
   * Counts from 0 since its thread's loop, or the process, came under watch. Absent where a counter is somebody
   * else's, or nobody knows since when it counts.
   */
  readonly since?: 'watched';
}

/** A number is a bound: `le`, or `quantile`. */
export type Labels = Readonly<Record<string, string | number>>;

export interface Sample {
  readonly labels?: Labels | undefined;
  readonly value: number;
  /** `_bucket`, `_sum`, `_count`. */
  readonly suffix?: string | undefined;
  /** Of a bucket: one of the values in it, and what there is to find out about it. */
  readonly exemplar?: Exemplar | undefined;
  /** Of a histogram's `_count`: the same in native buckets. */
  readonly native?: NativeHistogram | undefined;
}

export interface Exemplar {
  readonly labels: Labels;
  /** In the unit of the metric. */
  readonly value: number;
  readonly wallMs: number;
}

/** Counts per bucket as `native-buckets.ts` has them, each value in one only. */
export interface NativeHistogram {
  /** Values that are as good as nothing. */
  readonly zero: number;
  readonly counts: Readonly<Float64Array>;
}

/** What a histogram has besides its classic buckets. */
export interface Extras {
  readonly native?: NativeHistogram;
  /** Per bucket, the last for +Inf. */
  readonly exemplars?: readonly (Exemplar | undefined)[] | undefined;
}

/** A metric with the values of one scrape. Without any it is not served at all. */
export interface Family extends Definition {
  readonly samples: readonly Sample[];
}

/** Values that do not exist (`undefined`, NaN) are left out, never made up. */
export function family(
  definition: Definition,
  samples: readonly (Omit<Sample, 'value'> & { value: number | undefined })[],
): Family {
  return {
    ...definition,
    samples: samples.filter(
      (sample): sample is Sample => sample.value !== undefined && !Number.isNaN(sample.value),
    ),
  };
}

/** A family of one value without labels. */
export function single(definition: Definition, value: number | undefined): Family {
  return family(definition, [{ value }]);
}

/**
 * Samples of a histogram.
 * @param buckets cumulative counts, one per bound; `count` is the last, for +Inf
 */
export function histogramSamples(
  labels: Labels,
  boundsMs: readonly number[],
  buckets: readonly number[],
  sum: number,
  count: number,
  { native, exemplars = [] }: Extras = {},
): Sample[] {
  return [
    ...boundsMs.map((bound, i) => ({
      labels: { ...labels, le: bound / 1000 },
      value: buckets[i] as number,
      suffix: '_bucket',
      exemplar: exemplars[i],
    })),
    {
      labels: { ...labels, le: '+Inf' },
      value: count,
      suffix: '_bucket',
      exemplar: exemplars[boundsMs.length],
    },
    { labels, value: sum, suffix: '_sum' },
    { labels, value: count, suffix: '_count', native },
  ];
}

/** A histogram's native buckets as the ledger has them, where nothing but its count tells of the zeros. */
export function nativeOf(counts: Readonly<Float64Array>, count: number): NativeHistogram {
  return { zero: count - counts.reduce((sum, one) => sum + one, 0), counts };
}
