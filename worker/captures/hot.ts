import type { Frame, HotFrame, StackSample, Stall } from '../../src/shared/stall.js';
import type { Site } from '../inspector/messages.js';
import type { Collecting } from '../stalls/collections.js';
import { requestsOf } from '../stalls/requests.js';
import { culpritOf } from './culprit.js';
import type { StallSample } from './samples.js';

/** Functions that are told. */
const HOT_MAX = 10;
/** Samples that are told whole. */
const STACKS_MAX = 6;
/** Frames of the app's own code that say where a stall was. */
const PATH_FRAMES = 3;
/** A wait for an answer is explained by garbage collections if they took this part of it. */
const COLLECTING_FROM = 0.5;
/**
 * Less than this part of a stall in native code is not told: on a busy machine JavaScript is late with an
 * answer now and then, and the system's account of its waits for a CPU lags behind.
 */
const NATIVE_FROM = 0.1;

/** What the samples of one stall say together. */
export interface Merged {
  /** The largest share first. */
  readonly hot: readonly HotFrame[];
  /** How many were answered. */
  readonly samples: number;
  /** Milliseconds. */
  readonly nativeMs: number;
  /** Whose code it was; see `Stall`. */
  readonly requests: NonNullable<Stall['requests']>;
  /** Those that are told whole. */
  readonly stacks: readonly StackSample[];
  /** The innermost functions of the app's own in which most of the hottest one's time was spent. */
  readonly path: readonly Frame[];
}

/**
 * Puts samples together: each counts for as long as it stands for. A function that was seen at several lines
 * is one.
 */
export function mergeSamples(samples: readonly StallSample[], collecting: Collecting): Merged {
  const totalMs = sum(samples);
  const groups = groupBy(samples, (sample) => hotSiteOf(sample)?.fn)
    .map(({ key, members }) => ({ key, members, ms: sum(members) }))
    .filter(({ key, ms }) => key !== undefined && ms > 0)
    .sort((a, b) => b.ms - a.ms);
  const hottest = groups[0]?.members ?? [];
  return {
    hot: groups.slice(0, HOT_MAX).map(({ members, ms }) => ({
      frame: hottestLineOf(members),
      share: Math.round((1000 * ms) / totalMs) / 1000,
    })),
    samples: samples.filter(({ seenMs }) => seenMs !== undefined).length,
    nativeMs: nativeOf(samples, collecting),
    requests: requestsOf(samples),
    stacks: stacksOf(samples),
    path: ownPathOf(heaviest(hottest, (sample) => nameOf(ownPathOf(sample)))[0]),
  };
}

/** 0 if it is so small a part that a few answers may have been late for another reason. */
function nativeOf(samples: readonly StallSample[], collecting: Collecting): number {
  const nativeMs = sum(samples.filter((sample) => whileOf(sample, collecting) === 'native'));
  return nativeMs >= NATIVE_FROM * sum(samples) ? nativeMs : 0;
}

/** What a sample's thread did when it was asked. */
export function whileOf(
  { nativeMs, askedMs, seenMs }: StallSample,
  collecting: Collecting,
): 'script' | 'native' | 'gc' {
  if (nativeMs === undefined || seenMs === undefined) return 'script';
  return collecting(askedMs, seenMs) >= COLLECTING_FROM * (seenMs - askedMs) ? 'gc' : 'native';
}

/** The innermost location of the app's own code, else of a dependency's. */
function hotSiteOf({ sites }: StallSample): Site | undefined {
  const culprit = culpritOf(sites.map(({ frame }) => frame));
  return sites.find(({ frame }) => frame === culprit);
}

function hottestLineOf(samples: readonly StallSample[]): Frame {
  const line = heaviest(samples, (sample) => {
    const { file, line: number } = (hotSiteOf(sample) as Site).frame;
    return `${file}:${number}`;
  });
  return (hotSiteOf(line[0] as StallSample) as Site).frame;
}

/** The innermost functions outside of Node.js, each once: how deep a recursion was says little. */
function ownPathOf(sample: StallSample | undefined): Frame[] {
  const path: Frame[] = [];
  for (const { frame } of sample?.sites ?? []) {
    if (frame.internal || path.some((one) => nameOf([one]) === nameOf([frame]))) continue;
    if (path.push(frame) === PATH_FRAMES) break;
  }
  return path;
}

/** Wherever in the functions. */
const nameOf = (frames: readonly Frame[]): string =>
  frames.map((frame) => `${frame.function} ${frame.file}`).join('\n');

/** The first sample, and of those that differ the ones that stand for most of the time. */
function stacksOf(samples: readonly StallSample[]): readonly StackSample[] {
  const groups = groupBy(samples, ({ result, sites }) => [result, ...sites.map(({ fn }) => fn)].join('\n'));
  const [first, ...others] = groups;
  const most = others.sort((a, b) => sum(b.members) - sum(a.members)).slice(0, STACKS_MAX - 1);
  return [first, ...most]
    .flatMap((group) => group?.members[0] ?? [])
    .sort((a, b) => a.atMs - b.atMs)
    .map(({ sites, askedMs, seenMs, forMs, ...sample }) => sample);
}

interface Group {
  readonly key: string | undefined;
  readonly members: StallSample[];
}

function groupBy(
  samples: readonly StallSample[],
  keyOf: (sample: StallSample) => string | undefined,
): Group[] {
  const groups = new Map<string | undefined, StallSample[]>();
  for (const sample of samples) {
    const key = keyOf(sample);
    const members = groups.get(key);
    if (members) members.push(sample);
    else groups.set(key, [sample]);
  }
  return [...groups].map(([key, members]) => ({ key, members }));
}

/** Those that stand together for most of the time. */
function heaviest(samples: readonly StallSample[], keyOf: (sample: StallSample) => string): StallSample[] {
  return groupBy(samples, keyOf).reduce<StallSample[]>(
    (most, { members }) => (most.length === 0 || sum(members) > sum(most) ? members : most),
    [],
  );
}

const sum = (samples: readonly StallSample[]): number => samples.reduce((ms, { forMs }) => ms + forMs, 0);
