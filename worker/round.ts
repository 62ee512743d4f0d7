import type { CollectorName } from '../src/shared/labels.js';
import type { Basics } from './basics.js';
import type { Forensics } from './forensics.js';
import type { HealthState, Readiness } from './health.js';
import type { Loop } from './loops/loop.js';
import { nextPollMs, type Round } from './poll.js';
import type { Pools } from './pools/pools.js';
import type { SlowTasks } from './pools/slow-tasks.js';
import { PULSE_MS } from './stalls/suspensions.js';
import type { Report } from './status/report.js';
import type { Threadpool } from './system/threadpool.js';

export interface RoundParts {
  readonly forensics: Forensics;
  readonly pools: Pools;
  readonly slowTasks: SlowTasks;
  readonly threadpool: Threadpool;
  readonly readiness: Readiness;
  readonly report: Pick<Report, 'note'>;
  readonly stallThreshold: number;
  readonly isClosing: () => boolean;
}

/** What is done in a round of the poll: everything is sampled, each part by itself. */
export function createRound(basics: Basics, parts: RoundParts): Round {
  const { ledger, suspensions, contain, now } = basics;
  const { forensics, pools, slowTasks, threadpool, readiness } = parts;
  const { main, threads } = forensics;
  let state: HealthState;

  function noteSuspension(nowMs: number, ownLatenessMs: number): void {
    const suspendedMs = suspensions.note(nowMs, ownLatenessMs);
    if (suspendedMs === 0) return;
    ledger.add('suspensions', 1);
    ledger.add('suspendedMs', suspendedMs);
  }

  const sample = (loop: Loop, name: CollectorName, nowMs: number): ReturnType<Loop['sample']> =>
    contain(name, () => loop.sample(nowMs)) ?? { stats: loop.stats(), stall: undefined, alert: false };

  return {
    run(nowMs, ownLatenessMs) {
      ledger.add('polls', 1);
      contain('suspensions', () => noteSuspension(nowMs, ownLatenessMs));
      const ours = sample(main, 'stalls', nowMs);
      const { stats, stall } = ours;
      contain('hang', () => forensics.guard(stall));
      contain('threadpool', () => threadpool.sample(nowMs, stats.loopStartedAtMs));
      state = {
        nowMs,
        stats,
        stall,
        queued: contain('pools', () => pools.sample(nowMs, stats)),
        debuggerAwayMs: forensics.debuggerAwayMs,
        closing: parts.isClosing(),
      };
      const slowWaitMs = contain('pools', () => slowTasks.observe(nowMs)) ?? Number.POSITIVE_INFINITY;
      contain('readiness', () => readiness.note(state));
      contain('threads', () => threads.prune());
      const others = threads.loops().map((loop) => sample(loop, 'threads', nowMs));
      contain('self', () => parts.report.note(nowMs));
      const waitsMs = [ours, ...others].map((one) =>
        nextPollMs(now(), one.stats, parts.stallThreshold, one.alert),
      );
      return Math.min(
        ...waitsMs,
        slowWaitMs,
        suspensions.isWary(nowMs) ? PULSE_MS : Number.POSITIVE_INFINITY,
      );
    },
    state: () => state,
  };
}
