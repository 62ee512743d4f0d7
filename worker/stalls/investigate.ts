import type { CaptureResult } from '../../src/shared/labels.js';
import type { GcValues, LoopStats, RingValues } from '../../src/shared/layout.js';
import type { Stall } from '../../src/shared/stall.js';
import type { Budget } from '../captures/budget.js';
import type { Inspector } from '../captures/client.js';
import { toCpuProfile } from '../captures/cpu-profile.js';
import { type CapturePlan, planCaptures } from '../captures/plan.js';
import type { LoopLedger } from '../counters.js';
import type { Target } from '../inspector/messages.js';
import type { ThreadReader, ThreadState } from '../system/thread.js';
import { classifyRest } from './classify.js';
import { collectingIn } from './collections.js';
import { type CpuHistory, createCpuHistory } from './cpu-history.js';
import { createDetector, type Detected, type FinishedStall, type LiveStall } from './detect.js';
import { describe, type OpenStall, openStall } from './open-stall.js';
import { createSettling } from './settling.js';
import { type Charge, createStallCounters, type StallCounters } from './stall-counters.js';
import type { Suspended } from './suspensions.js';

/** So long after a stall the next one is expected: stalls come in rows. */
const ALERT_MS = 1000;

export interface InvestigatorOptions {
  /** Name of the thread whose loop it is. */
  readonly name: string;
  readonly stallThresholdMs: number;
  /** The stack of a stall is captured after this long; `undefined`: never. */
  readonly captureAfterMs: number | undefined;
  readonly ledger: LoopLedger;
  readonly now: () => number;
  readonly readStats: () => LoopStats;
  readonly readRing: () => RingValues;
  readonly readGc: () => GcValues;
  readonly thread: ThreadReader;
  readonly suspendedBetween: (fromMs: number, toMs: number) => Suspended;
  readonly inspector: Inspector;
  /** What the inspector knows the thread by. */
  readonly target: Target;
  /** See `CapturePlanOptions`. */
  readonly mains: Budget | undefined;
  readonly onCapture: (result: CaptureResult) => void;
  /** Stalls are told without a stack, for this reason. */
  readonly onUnavailable: (reason: string) => void;
  /** Distinguishes this process's stalls from all others'. */
  readonly idPrefix: string;
  readonly onBegin: (stall: Stall) => void;
  /** @param profile its samples as the text of a `.cpuprofile`, if there are any */
  readonly onEnd: (stall: Stall, profile: Buffer | undefined) => void;
}

/** Follows each stall from its first sign to the explanation. */
export interface Investigator {
  /** Brings everything up to date with this moment. Returns the stall under way, if there is one. */
  observe(nowMs: number, stats: LoopStats): Stall | undefined;
  /** Whether to sample as often as during a stall: one has just been. */
  isAlert(nowMs: number): boolean;
  /** The loop is no more: settles what is open. A stall under way ends with it. */
  end(nowMs: number, stats: LoopStats): void;
}

export function createInvestigator(options: InvestigatorOptions): Investigator {
  const { ledger, thread, readGc } = options;
  const told = { count: ledger.get('stallsCounted'), ms: ledger.get('stallSumMs') };
  const detector = createDetector(options.stallThresholdMs, told);
  const counters = createStallCounters(ledger);
  const history = historyOf(options);
  const explain = explainer(options, counters, history);
  const captures = capturesOf(options);
  const settling = createSettling(conclude);
  let open: OpenStall | undefined;
  let alertUntilMs = Number.NEGATIVE_INFINITY;

  /** Notes the accounts often near a stall, so that each has readings of its own. */
  function detect(nowMs: number, stats: LoopStats, atOnce: boolean): Detected {
    const detected = detector.observe(nowMs, stats, options.readRing);
    const { finished, live } = detected;
    if (live || finished.length > 0) alertUntilMs = nowMs + ALERT_MS;
    history.note(atOnce || nowMs < alertUntilMs);
    for (const { turn, startMs } of finished) history.ended(turn, startMs);
    return detected;
  }

  const openOf = ({ turn }: { readonly turn: number }): OpenStall | undefined =>
    open?.turn === turn ? open : undefined;

  function letGo(): void {
    if (open) captures.release(open.captures);
    open = undefined;
  }

  function follow(nowMs: number, live: LiveStall, pausing: boolean): Stall {
    if (!openOf(live)) letGo();
    open ??= openStall(live.turn);
    const first = open.seen === undefined;
    open.seen = thread.state() ?? open.seen ?? ({} as ThreadState);
    const stall = explain(asFinished(live), open);
    counters.charge(live, chargeOf(stall));
    if (first) options.onBegin(stall);
    // Of a process that stood still there is nothing to see, and known long work is known.
    if (pausing) captures.release(open.captures);
    else if (stall.cause !== 'suspended') captures.note(nowMs, live, open.captures);
    return stall;
  }

  function conclude(stall: FinishedStall, known: OpenStall | undefined): void {
    const explained = explain(stall, known);
    counters.count(stall, chargeOf(explained));
    if (known) captures.conclude(known.captures);
    options.onEnd(explained, known && profileOf(stall, known, readGc()));
  }

  return {
    observe(nowMs, stats) {
      const { finished, lost, live } = detect(nowMs, stats, false);
      if (lost) counters.countLost(lost.count, lost.ms, lost.beforeTurn);
      for (const stall of finished) settling.add(stall, openOf(stall));
      settling.settle(nowMs, stats.turns);
      if (live) return follow(nowMs, live, stats.pausedSinceMs > 0);
      // The pacer may have run in the turn that is not over yet: it is late for nothing then.
      if (open?.turn !== stats.turns) letGo();
      return undefined;
    },
    isAlert: (nowMs) => nowMs < alertUntilMs,
    end(nowMs, stats) {
      const { finished, live } = detect(nowMs, stats, true);
      settling.settleAll();
      for (const stall of finished) conclude(stall, openOf(stall));
      // Only of what was told to have begun is an end told.
      if (live && openOf(live)) conclude(asFinished(live), open);
      letGo();
    },
  };
}

type Explain = (stall: FinishedStall, known: OpenStall | undefined) => Stall;

function explainer(
  { idPrefix, name, readGc }: InvestigatorOptions,
  counters: StallCounters,
  history: CpuHistory,
): Explain {
  return (stall, open) =>
    describe(stall, {
      idPrefix,
      thread: name,
      evidence: history.explain(stall.startMs, stall.durationMs, readGc()),
      gc: readGc(),
      startedAtMs: counters.startedAt(stall.turn, stall.startMs),
      open,
    });
}

function historyOf({ thread, ...options }: InvestigatorOptions): CpuHistory {
  return createCpuHistory({
    ...options,
    readTimes: () => thread.times(),
    isRunnable: () => thread.state()?.state === 'R',
  });
}

/** As if it ended now. */
const asFinished = ({ turn, startMs, stallMs }: LiveStall): FinishedStall => ({
  turn,
  startMs,
  durationMs: stallMs,
});

function profileOf(stall: FinishedStall, { captures }: OpenStall, gc: GcValues): Buffer | undefined {
  return toCpuProfile(captures.samples.all(), stall, collectingIn(gc));
}

const NO_CAPTURES: CapturePlan = { note() {}, release() {}, conclude() {} };

function capturesOf(options: InvestigatorOptions): CapturePlan {
  const { captureAfterMs: firstMs } = options;
  return firstMs === undefined ? NO_CAPTURES : planCaptures({ ...options, firstMs });
}

function chargeOf(stall: Stall): Charge {
  const { cause, suspendedMs, durationMs } = stall;
  return { cause, suspendedMs, besides: classifyRest(durationMs, stall) };
}
