import type { GcValues } from '../../src/shared/layout.js';
import type { Stall } from '../../src/shared/stall.js';
import { type Merged, mergeSamples } from '../captures/hot.js';
import { createCaptures, type StallCaptures } from '../captures/plan.js';
import { fingerprintOf } from '../reports/fingerprint.js';
import type { ThreadState } from '../system/thread.js';
import { classify, type Evidence } from './classify.js';
import { collectingIn } from './collections.js';
import type { FinishedStall } from './detect.js';

/** What is known of a stall under way besides its time. */
export interface OpenStall {
  readonly turn: number;
  readonly captures: StallCaptures;
  /** What the thread was last seen to do; `undefined` until it was looked at. */
  seen: ThreadState | undefined;
  /** What its samples say together, as long as there are no others. */
  merged: { readonly of: string; readonly value: Merged } | undefined;
}

export function openStall(turn: number): OpenStall {
  return { turn, captures: createCaptures(), seen: undefined, merged: undefined };
}

/** What the description of a stall is made of. */
export interface Known {
  readonly idPrefix: string;
  /** Name of the thread. */
  readonly thread: string;
  /** Milliseconds since the epoch. */
  readonly startedAtMs: number;
  readonly evidence: Evidence;
  readonly gc: GcValues;
  readonly open: OpenStall | undefined;
}

/** The stall as people and programs are told of it. */
export function describe({ turn, durationMs }: FinishedStall, known: Known): Stall {
  const { thread, evidence, open } = known;
  const cause = classify(durationMs, evidence);
  const { hot, samples, nativeMs, requests, stacks, path } = open ? mergedOf(open, known.gc) : NOTHING;
  return {
    id: `${known.idPrefix}-${turn}`,
    thread,
    cause,
    startedAt: new Date(known.startedAtMs).toISOString(),
    durationMs,
    ...evidence,
    ...open?.seen,
    ...(hot[0] && { culprit: hot[0].frame, hot }),
    ...(samples > 0 && { samples }),
    ...(nativeMs > 0 && { nativeMs }),
    ...(requests.length > 0 && { requests }),
    fingerprint: fingerprintOf({ thread, cause, path }),
    stacks,
  };
}

const NOTHING = mergeSamples([], () => 0);

/** A stall under way is described twenty times a second. */
function mergedOf(open: OpenStall, gc: GcValues): Merged {
  const { samples } = open.captures;
  const of = `${samples.version()} ${gc.windows}`;
  if (open.merged?.of !== of) open.merged = { of, value: mergeSamples(samples.all(), collectingIn(gc)) };
  return open.merged.value;
}
