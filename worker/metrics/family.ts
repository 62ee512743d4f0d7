import type { LabelName } from '../../src/shared/labels.js';

/** What a metric is; each collector exports a table of these. */
export interface Definition {
  readonly name: string;
  readonly type: 'gauge' | 'counter' | 'histogram';
  /** Names of the labels that each of its series has, besides `le` and the user's own. */
  readonly labels: readonly LabelName[];
  readonly help: string;
}

export type Labels = Readonly<Record<string, string | number>>;

export interface Sample {
  readonly labels?: Labels | undefined;
  readonly value: number;
  /** `_bucket`, `_sum`, `_count`. */
  readonly suffix?: string | undefined;
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
): Sample[] {
  return [
    ...boundsMs.map((bound, i) => ({
      labels: { ...labels, le: bound / 1000 },
      value: buckets[i] as number,
      suffix: '_bucket',
    })),
    { labels: { ...labels, le: '+Inf' }, value: count, suffix: '_bucket' },
    { labels, value: sum, suffix: '_sum' },
    { labels, value: count, suffix: '_count' },
  ];
}
