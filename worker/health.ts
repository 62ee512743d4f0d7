import { latenessOf } from '../src/shared/lateness.js';
import type { LoopStats } from '../src/shared/layout.js';
import type { ReadinessLimits } from '../src/shared/protocol.js';
import { maxSince } from '../src/shared/sliding-max.js';
import type { Stall } from '../src/shared/stall.js';
import { isHung } from './reports/hang.js';

/** One thing that a probe asks about. */
export interface Check {
  readonly name: string;
  readonly ok: boolean;
  /** What is the matter, or why what looks bad is not. */
  readonly detail: string;
}

export interface HealthState {
  readonly nowMs: number;
  readonly stats: LoopStats;
  /** The stall under way, if there is one. */
  readonly stall: Stall | undefined;
  /** For how long no debugger has been attached, in milliseconds; 0: one is. Asked only when it matters. */
  readonly debuggerAwayMs: () => number;
  readonly closing: boolean;
  /** Tasks that wait in the fullest pool, and its name. */
  readonly queued: { readonly pool: string; readonly size: number } | undefined;
}

const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;

/**
 * Whether a restart would help: only when what the code does has kept the loop for `timeoutMs`. It would not
 * help a process that is starting or is stopped, and it would spoil a debugging session.
 */
export function checkLiveness(state: HealthState, timeoutMs: number): readonly Check[] {
  const { stats, stall } = state;
  const check = (ok: boolean, detail: string): readonly Check[] => [{ name: 'eventloop', ok, detail }];
  if (stats.loopStartedAtMs === 0) return check(true, 'starting');
  if (!stall) return check(true, stats.pausedSinceMs > 0 ? 'in pause()' : 'turning');
  const stalledMs = stall.durationMs - stall.suspendedMs;
  const detail = `has not turned for ${seconds(stalledMs)} (${stall.cause})`;
  if (stalledMs < timeoutMs) return check(true, detail);
  const awayMs = state.debuggerAwayMs();
  if (awayMs === 0) return check(true, `${detail}; a debugger is attached`);
  if (awayMs < timeoutMs) return check(true, `${detail}; a debugger was attached ${seconds(awayMs)} ago`);
  if (!isHung(stall, timeoutMs)) return check(true, `${detail}; no fault of its code so far`);
  return check(false, `${detail}; the limit is ${seconds(timeoutMs)}`);
}

/** Whether this process should get work. */
export interface Readiness {
  /** Takes note of limits exceeded at this moment; to be called often enough not to miss one. */
  note(state: HealthState): void;
  check(state: HealthState): readonly Check[];
}

export function createReadiness(limits: ReadinessLimits | undefined): Readiness {
  let fullMs = Number.NEGATIVE_INFINITY;
  let fullDetail = '';

  function note({ nowMs, queued }: HealthState): void {
    if (!limits || !queued || queued.size <= limits.maxQueued) return;
    fullMs = nowMs;
    fullDetail = `${queued.size} tasks wait in ${JSON.stringify(queued.pool)}`;
  }

  /** By the longest that the loop was late, since a moment ago: the second in which that was counts whole. */
  function checkLag({ nowMs, stats }: HealthState, { maxLag, recovery }: ReadinessLimits): Check {
    const { worstSecond, worstMs, dueMs, lastMarkMs } = stats;
    const worst = maxSince(worstSecond, worstMs, nowMs, Math.ceil(recovery / 1000) + 1);
    const lagMs = Math.max(latenessOf(nowMs, dueMs, lastMarkMs), worst);
    const detail = `late by up to ${seconds(lagMs)} in the last ${seconds(recovery)}`;
    return { name: 'lag', ok: lagMs <= maxLag, detail };
  }

  function checkQueues({ nowMs }: HealthState, { recovery }: ReadinessLimits): Check {
    const ok = nowMs - fullMs > recovery;
    return { name: 'queues', ok, detail: ok ? 'within the limit' : fullDetail };
  }

  return {
    note,
    check(state) {
      note(state);
      return [
        checkStarted(state),
        checkOpen(state),
        ...(limits && Number.isFinite(limits.maxLag) ? [checkLag(state, limits)] : []),
        ...(limits && Number.isFinite(limits.maxQueued) ? [checkQueues(state, limits)] : []),
      ];
    },
  };
}

function checkStarted({ stats }: HealthState): Check {
  const ok = stats.loopStartedAtMs > 0;
  return { name: 'started', ok, detail: ok ? 'the loop turns' : 'the loop has not turned yet' };
}

const checkOpen = ({ closing }: HealthState): Check => ({
  name: 'open',
  ok: !closing,
  detail: closing ? 'the watchdog is closing' : 'not closing',
});
