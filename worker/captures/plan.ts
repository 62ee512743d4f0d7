import type { CaptureResult } from '../../src/shared/labels.js';
import type { StackSample } from '../../src/shared/stall.js';
import type { Target } from '../inspector/messages.js';
import type { LiveStall } from '../stalls/detect.js';
import { createBudget } from './budget.js';
import type { Inspector } from './client.js';

/** Further captures of one stall that goes on, so that a moving one shows. */
const LATER_MS = [1000, 5000];
/** The inspector thread is started so long before the first capture: it takes 45 to 110 ms. */
const PREPARE_MS = 120;
/** A stack that main does not give within this time, in native code, is no longer waited for. */
const DEADLINE_MS = 60_000;

export interface CapturePlanOptions {
  readonly inspector: Inspector;
  readonly target: Target;
  /** When the first is due, in milliseconds since the stall began. */
  readonly firstMs: number;
  readonly onCapture: (result: CaptureResult) => void;
  /** Stalls are told without a stack, for this reason. */
  readonly onUnavailable: (reason: string) => void;
}

/** The captures of one stall. */
export interface StallCaptures {
  readonly samples: StackSample[];
  /** Which of those planned comes next. */
  next: number;
  /** Whether one is under way. */
  pending: boolean;
}

/**
 * Captures the thread's stack at the times that are due for a stall, one after another, as far as the budget
 * allows.
 * @returns to be called with each sample of the stall
 */
export function planCaptures(
  options: CapturePlanOptions,
): (nowMs: number, live: LiveStall, captures: StallCaptures) => void {
  const { inspector, target, firstMs, onCapture } = options;
  const timesMs = [firstMs, ...LATER_MS.filter((ms) => ms > firstMs)];
  const budget = createBudget();

  async function capture(
    nowMs: number,
    { turn, stallMs }: LiveStall,
    captures: StallCaptures,
  ): Promise<void> {
    const fresh = captures.next === 0;
    captures.next++;
    captures.pending = true;
    const { costMs, ...sample } = await inspector.stack({ target, turn, deadlineMs: DEADLINE_MS });
    captures.pending = false;
    budget.spend(nowMs, costMs, fresh);
    onCapture(sample.result);
    captures.samples.push({ atMs: stallMs, ...sample });
  }

  /** @param unavailable why there can be none; `undefined`: the budget does not allow it */
  function doWithout(unavailable: string | undefined, atMs: number, captures: StallCaptures): void {
    const result = unavailable === undefined ? 'over_budget' : 'unavailable';
    // Without the first there is no second: the next stall may have better luck.
    captures.next = captures.next === 0 ? timesMs.length : captures.next + 1;
    captures.samples.push({ atMs, result, frames: [] });
    onCapture(result);
    if (unavailable !== undefined) options.onUnavailable(unavailable);
  }

  return (nowMs, live, captures) => {
    const dueMs = timesMs[captures.next];
    if (dueMs === undefined || live.stallMs < dueMs - PREPARE_MS || captures.pending) return;
    const { unavailable } = inspector;
    const possible = unavailable === undefined && budget.allows(nowMs, captures.next === 0);
    if (live.stallMs < dueMs) {
      if (possible) inspector.prepare();
    } else if (possible) void capture(nowMs, live, captures);
    else doWithout(unavailable, live.stallMs, captures);
  };
}
