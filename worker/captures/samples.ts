import type { CaptureResult } from '../../src/shared/labels.js';
import type { StackSample } from '../../src/shared/stall.js';
import type { FollowNews, FollowSample, Site } from '../inspector/messages.js';

/** The first of a row of samples stands for so much of the stall: what was before it nobody saw. */
const FIRST_MS = 50;

/** A sample of a stall's stack, and what sums of several need. */
export interface StallSample extends StackSample {
  /** Of its frames. */
  readonly sites: readonly Site[];
  /** On the shared clock. */
  readonly askedMs: number;
  /** When it was answered; absent unless it was, in the turn of the stall. */
  readonly seenMs?: number;
  /** It stands for so many milliseconds: those since the sample before. */
  readonly forMs: number;
}

/** What was seen in one stall. */
export interface Samples {
  /** In order. */
  all(): readonly StallSample[];
  /** Counts what has come in: as long as it is the same, so are the samples. */
  version(): number;
  /**
   * Notes that no sample could be taken, and why; each reason once.
   * @returns whether it is a new one
   */
  deny(result: CaptureResult, atMs: number): boolean;
  /** @returns what is to be told the news of a row of looks that begins now */
  openRow(startMs: number): (news: FollowNews) => void;
}

export function createSamples(): Samples {
  const rows: StallSample[][] = [];
  const denied = new Set<CaptureResult>();
  let version = 0;
  return {
    all: () => rows.flat(),
    version: () => version,
    deny(result, atMs) {
      if (denied.has(result)) return false;
      denied.add(result);
      version++;
      rows.push([{ atMs, askedMs: Number.NaN, result, frames: [], sites: [], forMs: 0 }]);
      return true;
    },
    openRow(startMs) {
      const row: StallSample[] = [];
      const stacks: (readonly number[])[] = [];
      const sites: Site[] = [];
      const seenAt = (index: number): Pick<StallSample, 'sites' | 'frames'> => {
        const seen = (stacks[index] ?? []).map((site) => sites[site] as Site);
        return { sites: seen, frames: seen.map(({ frame }) => frame) };
      };
      rows.push(row);
      return ({ sample, sites: news }) => {
        version++;
        for (const [index, site] of news) sites[index] = site;
        if (sample) {
          stacks[sample.index] = sample.stack;
          const before = row.slice(0, sample.index);
          row[sample.index] = { ...timesOf(sample, startMs, before), ...seenAt(sample.index) };
        } else
          row.forEach((one, index) => {
            row[index] = { ...one, ...seenAt(index) };
          });
      };
    },
  };
}

function timesOf(
  { index, stack, costMs, seenMs, ...sample }: FollowSample,
  startMs: number,
  before: readonly StallSample[],
): Omit<StallSample, 'sites' | 'frames'> {
  const askedMs = startMs + sample.atMs;
  // Of a watchdog that has been closed there are no times.
  if (seenMs === undefined || Number.isNaN(seenMs)) return { ...sample, askedMs, forMs: 0 };
  const last = before.findLast((one) => one.seenMs !== undefined)?.seenMs;
  const fromMs = last ?? Math.max(startMs, askedMs - FIRST_MS);
  return { ...sample, askedMs, seenMs, forMs: Math.max(0, seenMs - fromMs) };
}
