import { breathe } from '../breathe.js';
import type { ForeignFamily } from './families.js';
import { createGroupReader, type Group, isCount, type PointReader } from './points.js';
import { asNumber, partsOf } from './sample.js';
import { linesOf } from './sink.js';

/** More series of a family are not kept in mind: of so many nobody has put two together by hand. */
const SERIES_MAX = 20_000;

/** Knows a series that was there before, as in a text that somebody has joined from several. */
export interface SeriesMemory {
  isNew(series: string): boolean;
}

export function createSeriesMemory(): SeriesMemory {
  const seen = new Set<string>();
  return {
    isNew(series) {
      if (seen.has(series)) return false;
      if (seen.size < SERIES_MAX) seen.add(series);
      return true;
    },
  };
}

/** Whether the samples of a counter, histogram or summary are what OpenMetrics allows of it; gauges always are. */
export async function isSound(family: ForeignFamily, bytes: Buffer): Promise<boolean> {
  if (family.type === 'gauge') return true;
  let sound = true;
  const fail = (): void => {
    sound = false;
  };
  const reader = createChecker(family, fail);
  for (const lines of linesOf(family, bytes)) {
    for (const line of lines) {
      const { name, labels, value } = partsOf(line);
      reader.sample({ name, labels, value: asNumber(value) });
    }
    if (!sound) return false;
    await breathe();
  }
  reader.end();
  return sound;
}

function createChecker(family: ForeignFamily, fail: () => void): PointReader {
  if (family.type === 'counter') {
    return {
      sample({ value }) {
        if (!(value >= 0)) fail();
      },
      end() {},
    };
  }
  const isWhole = family.type === 'histogram' ? isHistogram : isSummary;
  const groups = createSeriesMemory();
  return createGroupReader(
    family,
    (group) => {
      if (!isWhole(group) || !groups.isNew(group.key)) fail();
    },
    fail,
  );
}

/** Bounds and counts go up, to infinity and to the count; nothing in it is negative. */
function isHistogram({ parts, sum = Number.NaN, count }: Group): boolean {
  let [boundBefore, before] = [-0, 0];
  for (const [index, [bound, { value }]] of parts.entries()) {
    if (!isCount(value) || value < before || !(index === 0 ? bound >= 0 : bound > boundBefore)) return false;
    [boundBefore, before] = [bound, value];
  }
  return sum >= 0 && boundBefore === Number.POSITIVE_INFINITY && before === count;
}

function isSummary({ parts, sum = Number.NaN, count }: Group): boolean {
  const fit = parts.every(([quantile, { value }]) => quantile >= 0 && quantile <= 1 && !(value < 0));
  return fit && sum >= 0 && isCount(count);
}
