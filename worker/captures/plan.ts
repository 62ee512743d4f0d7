import type { CaptureResult } from '../../src/shared/labels.js';
import type { Target } from '../inspector/messages.js';
import type { LiveStall } from '../stalls/detect.js';
import { type Budget, createBudget } from './budget.js';
import type { Following, Inspector } from './client.js';
import { createSamples, type Samples } from './samples.js';

/** The inspector thread is started so long before the first look: it takes 45 to 110 ms. */
const PREPARE_MS = 120;
/** A stack that main does not give within this time, in native code, is no longer waited for. */
const DEADLINE_MS = 60_000;
/** What a look at another thread costs main, which passes it on: 0.2 to 0.5 ms beside 2 to 32 threads. */
const PASS_ON_MS = 0.3;
/** So often looks at one stall are begun anew after their thread has died of them. */
const FAILURES_MAX = 3;

export interface CapturePlanOptions {
  readonly inspector: Inspector;
  readonly target: Target;
  /** What looks at this thread may cost main, all others that are asked through it included. */
  readonly mains: Budget | undefined;
  /** When the first look is due, in milliseconds since the stall began. */
  readonly firstMs: number;
  /** Called once for each stall that there was a look at, or should have been. */
  readonly onCapture: (result: CaptureResult) => void;
  /** Stalls are told without a stack, for this reason. */
  readonly onUnavailable: (reason: string) => void;
}

/** The looks at one stall. */
export interface StallCaptures {
  readonly samples: Samples;
  /** The row of looks that is under way. */
  following: Following | undefined;
  /** Whether there has been one. */
  begun: boolean;
  /** So many rows came to nothing. */
  failures: number;
  /** It was not wanted any more; a stall that goes on all the same is taken up again. */
  letGo: boolean;
  /** There will be no more. */
  done: boolean;
  /** What became of them is counted. */
  counted: boolean;
}

export function createCaptures(): StallCaptures {
  const samples = createSamples();
  const none = { begun: false, failures: 0, letGo: false, done: false, counted: false };
  return { samples, following: undefined, ...none };
}

/** Has a stall looked into, as far as the budget allows. */
export interface CapturePlan {
  /** To be called with each sample of the stall. */
  note(nowMs: number, live: LiveStall, captures: StallCaptures): void;
  /** The stall is over, or looks at it are not wanted for now. */
  release(captures: StallCaptures | undefined): void;
  /** The stall is settled. */
  conclude(captures: StallCaptures): void;
}

export function planCaptures(options: CapturePlanOptions): CapturePlan {
  const { inspector, target, firstMs, mains } = options;
  const budget = createBudget();

  function count(captures: StallCaptures, result: CaptureResult): void {
    if (!captures.counted) options.onCapture(result);
    captures.counted = true;
  }

  async function begin(nowMs: number, live: LiveStall, captures: StallCaptures): Promise<void> {
    const { turn, startMs, stallMs } = live;
    const fresh = !captures.begun;
    const costs: number[] = [];
    const tell = captures.samples.openRow(startMs);
    const request = { target, turn, startMs, budgetMs: budget.leftMs(nowMs), deadlineMs: DEADLINE_MS };
    captures.begun = true;
    captures.following = inspector.follow(request, (news) => {
      tell(news);
      if (news.sample) costs[news.sample.index] = news.sample.costMs;
      if (news.sample?.result === 'captured') count(captures, 'captured');
    });
    const result = await captures.following.over;
    const costMs = costs.reduce((sum, ms) => sum + ms, 0);
    budget.spend(nowMs, costMs, fresh);
    mains?.spend(nowMs, costs.length * PASS_ON_MS, false);
    if (result !== 'captured') {
      captures.failures++;
      captures.samples.deny(result, stallMs);
    }
    captures.done = captures.failures === FAILURES_MAX || (result === 'captured' && !captures.letGo);
    captures.letGo = false;
    captures.following = undefined;
  }

  /** The stall is told without a stack, unless there will be one later. */
  function doWithout(unavailable: string | undefined, atMs: number, { samples }: StallCaptures): void {
    const isNews = samples.deny(unavailable === undefined ? 'over_budget' : 'unavailable', atMs);
    if (isNews && unavailable !== undefined) options.onUnavailable(unavailable);
  }

  /** Begins to look, or makes ready for it. */
  function aim(nowMs: number, live: LiveStall, captures: StallCaptures): void {
    const { unavailable } = inspector;
    const affordable = budget.allows(nowMs, !captures.begun) && (mains?.allows(nowMs, false) ?? true);
    const possible = unavailable === undefined && affordable;
    if (live.stallMs < firstMs) {
      if (possible) inspector.prepare();
    } else if (possible) void begin(nowMs, live, captures);
    else doWithout(unavailable, live.stallMs, captures);
  }

  const plan: CapturePlan = {
    note(nowMs, live, captures) {
      if (captures.done || live.stallMs < firstMs - PREPARE_MS) return;
      if (!captures.following) aim(nowMs, live, captures);
      else if (inspector.unavailable !== undefined) plan.release(captures);
    },
    release(captures) {
      if (!captures?.following || captures.letGo) return;
      captures.letGo = true;
      captures.following.release();
    },
    conclude(captures) {
      const [first] = captures.samples.all();
      if (first) count(captures, first.result);
    },
  };
  return plan;
}
