import type { Stall } from '../../src/shared/stall.js';
import { culpritOf } from '../captures/culprit.js';
import type { StallCaptures } from '../captures/plan.js';
import { fingerprintOf } from '../reports/fingerprint.js';
import type { ThreadState } from '../system/thread.js';
import { classify, type Evidence } from './classify.js';
import type { FinishedStall } from './detect.js';
import { requestsOf } from './requests.js';

/** What is known of a stall under way besides its time. */
export interface OpenStall {
  readonly turn: number;
  readonly captures: StallCaptures;
  /** What the thread was last seen to do; `undefined` until it was looked at. */
  seen: ThreadState | undefined;
}

export function openStall(turn: number): OpenStall {
  return { turn, captures: { samples: [], next: 0, pending: false }, seen: undefined };
}

/** What the description of a stall is made of. */
export interface Known {
  readonly idPrefix: string;
  /** Name of the thread. */
  readonly thread: string;
  /** Milliseconds since the epoch. */
  readonly startedAtMs: number;
  readonly evidence: Evidence;
  readonly open: OpenStall | undefined;
}

/** The stall as people and programs are told of it. */
export function describe({ turn, durationMs }: FinishedStall, known: Known): Stall {
  const { thread, evidence, open } = known;
  const cause = classify(durationMs, evidence);
  const stacks = open?.captures.samples ?? [];
  const { frames = [], nativeMs } = stacks.find((sample) => sample.frames.length > 0) ?? {};
  const culprit = culpritOf(frames);
  const requests = requestsOf(stacks);
  return {
    id: `${known.idPrefix}-${turn}`,
    thread,
    cause,
    startedAt: new Date(known.startedAtMs).toISOString(),
    durationMs,
    ...evidence,
    ...open?.seen,
    ...(culprit && { culprit }),
    ...(culprit && nativeMs !== undefined && { nativeMs }),
    ...(requests.length > 0 && { requests }),
    fingerprint: fingerprintOf({ thread, cause, stacks }),
    stacks: [...stacks],
  };
}
