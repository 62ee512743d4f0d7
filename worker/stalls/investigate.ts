import type { CaptureResult } from '../../src/shared/labels.js';
import type { GcValues, LoopStats, RingValues } from '../../src/shared/layout.js';
import type { StackSample, Stall } from '../../src/shared/protocol.js';
import { createBudget } from '../captures/budget.js';
import type { Inspector } from '../captures/client.js';
import { culpritOf } from '../captures/culprit.js';
import type { LoopLedger } from '../counters.js';
import { fingerprintOf } from '../reports/fingerprint.js';
import type { ThreadReader, ThreadState } from '../system/thread.js';
import { classify, classifyRest } from './classify.js';
import { createCpuHistory } from './cpu-history.js';
import { createDetector, type FinishedStall, type LiveStall, type Look } from './detect.js';
import { type Charge, createStallCounters } from './stall-counters.js';
import type { Suspended } from './suspensions.js';

/** Further looks at one stall that goes on, so that a moving one shows. */
const LATER_CAPTURES_MS = [1000, 5000];
/** The inspector thread is started so long before the first look: it takes 45 to 110 ms. */
const PREPARE_MS = 120;
/** A stack that main does not give within this time, in native code, is no longer waited for. */
const CAPTURE_DEADLINE_MS = 60_000;
/** Main hears of its garbage collections a turn or two after the stall; this long they are waited for. */
const SETTLE_TURNS = 3;
const SETTLE_MS = 250;
/** A capture may come in when the stall is over. */
const SETTLE_CAPTURE_MS = 1500;
/** So long after a stall the next one is expected: stalls come in rows. */
const ALERT_MS = 1000;

export interface InvestigatorOptions {
  /** Name of the thread whose loop it is. */
  readonly name: string;
  readonly stallThresholdMs: number;
  /** Stalls are looked into after this long; `undefined`: never. */
  readonly captureAfterMs: number | undefined;
  readonly ledger: LoopLedger;
  readonly now: () => number;
  readonly readStats: () => LoopStats;
  readonly readRing: () => RingValues;
  readonly readGc: () => GcValues;
  readonly thread: ThreadReader;
  readonly suspendedBetween: (fromMs: number, toMs: number) => Suspended;
  /** `undefined` where nobody can look at the thread's stack. */
  readonly inspector: Inspector | undefined;
  readonly onCapture: (result: CaptureResult) => void;
  /** Stalls are told without a stack, for this reason. */
  readonly onUnavailable: (reason: string) => void;
  /** Distinguishes this process's stalls from all others'. */
  readonly idPrefix: string;
  readonly onBegin: (stall: Stall) => void;
  readonly onEnd: (stall: Stall) => void;
}

/** What is known of a stall besides its time. */
interface Case {
  readonly turn: number;
  readonly samples: StackSample[];
  /** Which of the captures comes next. */
  nextCapture: number;
  seen: ThreadState | undefined;
}

/** Follows each stall from its first sign to the explanation. */
export interface Investigator {
  /** Brings everything up to date with this moment. Returns the stall under way, if there is one. */
  observe(nowMs: number, stats: LoopStats): Stall | undefined;
  /** Whether to look as often as during a stall: one has just been. */
  isAlert(nowMs: number): boolean;
  /** The loop is no more: settles what is open. A stall under way ends with it. */
  end(nowMs: number, stats: LoopStats): void;
}

export function createInvestigator(options: InvestigatorOptions): Investigator {
  const { ledger, thread, inspector } = options;
  const detector = createDetector(options.stallThresholdMs, {
    count: ledger.get('stallsCounted'),
    ms: ledger.get('stallSumMs'),
  });
  const counters = createStallCounters(ledger);
  const history = createCpuHistory({
    now: options.now,
    readStats: options.readStats,
    readTimes: () => thread.times(),
    isRunnable: () => thread.state()?.state === 'R',
    suspendedBetween: options.suspendedBetween,
  });
  const budget = createBudget();
  const settling: { readonly stall: FinishedStall; readonly file: Case | undefined }[] = [];
  let open: Case | undefined;
  let alertUntilMs = Number.NEGATIVE_INFINITY;

  /** Looks for stalls, and at the accounts: often near a stall, so that each has readings of its own. */
  function detect(nowMs: number, stats: LoopStats, atOnce: boolean): Look {
    const look = detector.observe(nowMs, stats, options.readRing);
    const { finished, live } = look;
    if (live || finished.length > 0) alertUntilMs = nowMs + ALERT_MS;
    history.note(atOnce || nowMs < alertUntilMs);
    for (const { turn, startMs } of finished) history.ended(turn, startMs);
    return look;
  }

  function describe(turn: number, startMs: number, durationMs: number, file: Case | undefined): Stall {
    const evidence = history.explain(startMs, durationMs, options.readGc());
    const cause = classify(durationMs, evidence);
    const stacks = file?.samples ?? [];
    const { frames = [], nativeMs } = stacks.find((sample) => sample.frames.length > 0) ?? {};
    const culprit = culpritOf(frames);
    return {
      id: `${options.idPrefix}-${turn}`,
      thread: options.name,
      cause,
      startedAt: new Date(counters.startedAt(turn, startMs)).toISOString(),
      durationMs,
      ...evidence,
      ...file?.seen,
      ...(culprit && { culprit }),
      ...(culprit && nativeMs !== undefined && { nativeMs }),
      fingerprint: fingerprintOf({ thread: options.name, cause, stacks }),
      stacks: [...stacks],
    };
  }

  /** Looks into the thread at the times that are due for this stall, one after another. */
  function lookInto(nowMs: number, live: LiveStall, file: Case): void {
    if (!inspector || options.captureAfterMs === undefined || inspector.busy) return;
    const times = [
      options.captureAfterMs,
      ...LATER_CAPTURES_MS.filter((ms) => ms > (options.captureAfterMs ?? 0)),
    ];
    const dueMs = times[file.nextCapture];
    if (dueMs === undefined) return;
    const fresh = file.nextCapture === 0;
    const { unavailable } = inspector;
    const affordable = budget.allows(nowMs, fresh);
    const result = unavailable !== undefined ? 'unavailable' : affordable ? undefined : 'over_budget';
    if (!result && live.stallMs >= dueMs - PREPARE_MS) inspector.prepare();
    if (live.stallMs < dueMs) return;
    file.nextCapture++;
    if (result) {
      options.onCapture(result);
      if (unavailable !== undefined) options.onUnavailable(unavailable);
      // Without the first look there is no second: the next stall may have better luck.
      if (fresh) file.nextCapture = times.length;
      file.samples.push({ atMs: live.stallMs, result, frames: [] });
      return;
    }
    void inspector.stack(live.turn, CAPTURE_DEADLINE_MS).then(({ costMs, ...sample }) => {
      budget.spend(nowMs, costMs, fresh);
      options.onCapture(sample.result);
      file.samples.push({ atMs: live.stallMs, ...sample });
    });
  }

  function follow(nowMs: number, live: LiveStall): Stall {
    if (open?.turn !== live.turn) open = { turn: live.turn, samples: [], nextCapture: 0, seen: undefined };
    const first = open.seen === undefined;
    open.seen = thread.state() ?? open.seen ?? ({} as ThreadState);
    const stall = describe(live.turn, live.startMs, live.stallMs, open);
    counters.charge(live, chargeOf(stall));
    if (first) options.onBegin(stall);
    // Of a process that stood still there is nothing to see.
    if (stall.cause !== 'suspended') lookInto(nowMs, live, open);
    return stall;
  }

  /** What is over is explained once nothing more can come in about it. */
  function settle(nowMs: number, stats: LoopStats): void {
    for (;;) {
      const [next] = settling;
      if (!next) return;
      const { stall, file } = next;
      const sinceMs = nowMs - (stall.startMs + stall.durationMs);
      const heard = stats.turns - stall.turn >= SETTLE_TURNS || sinceMs >= SETTLE_MS;
      const looking = file !== undefined && inspector?.busy === true && sinceMs < SETTLE_CAPTURE_MS;
      if (!heard || looking) return;
      settling.shift();
      conclude(stall, file);
    }
  }

  function conclude(stall: FinishedStall, file: Case | undefined): void {
    const described = describe(stall.turn, stall.startMs, stall.durationMs, file);
    counters.count(stall, chargeOf(described));
    options.onEnd(described);
  }

  return {
    observe(nowMs, stats) {
      const { finished, lost, live } = detect(nowMs, stats, false);
      if (lost) counters.countLost(lost.count, lost.ms);
      for (const stall of finished) {
        settling.push({ stall, file: open?.turn === stall.turn ? open : undefined });
      }
      settle(nowMs, stats);
      if (!live) {
        open = undefined;
        return undefined;
      }
      return follow(nowMs, live);
    },
    isAlert: (nowMs) => nowMs < alertUntilMs,
    end(nowMs, stats) {
      const { finished, live } = detect(nowMs, stats, true);
      for (const { stall, file } of settling.splice(0)) conclude(stall, file);
      for (const stall of finished) conclude(stall, open?.turn === stall.turn ? open : undefined);
      // Only of what was told to have begun is an end told.
      if (live && open?.turn === live.turn) conclude({ ...live, durationMs: live.stallMs }, open);
      open = undefined;
    },
  };
}

function chargeOf(stall: Stall): Charge {
  const { cause, suspendedMs, durationMs } = stall;
  return { cause, suspendedMs, besides: classifyRest(durationMs, stall) };
}
