import { wallClockOf } from '../../src/shared/clock.js';
import type { Stall } from '../../src/shared/stall.js';
import type { History } from '../../src/shared/status.js';
import type { Contain } from '../contain.js';
import type { ProcessLedger } from '../counters.js';
import type { Loop } from '../loops/loop.js';
import type { PoolView } from '../pools/pool.js';
import type { CpuThrottling } from '../system/cgroup.js';
import { type Activity, createActivity } from './activity.js';
import { createBands, type FinishedBand } from './bands.js';
import { createRing, type PoolReadings } from './history.js';
import { createLastMinute, type Minute } from './minute.js';
import { createSecond } from './second.js';

const EVERY_MS = 1000;
/** Timers fire a little early or late: a round that comes so much too soon will do. */
const SLACK_MS = 10;

export type RecordedLoop = Pick<Loop, 'stats' | 'stall' | 'accounts'>;

export interface RecordsParts {
  readonly main: RecordedLoop;
  /** Those of other threads. */
  readonly others: () => readonly Pick<Loop, 'stats'>[];
  readonly pools: () => readonly Pick<PoolView, 'name' | 'state'>[];
  readonly ledger: ProcessLedger;
  /** `undefined` where the system keeps no such accounts. */
  readonly throttling: (() => CpuThrottling | undefined) | undefined;
  readonly contain: Contain;
  /** Sidecars before this one, each of which began to number its points by the clock, too. */
  readonly restarts: number;
  /** Stalls that those have told, oldest first. */
  readonly earlier: readonly FinishedBand[];
  readonly wallClockOf?: (momentMs: number) => number;
}

/** What the sidecar remembers of the last 15 minutes. It has no timer: the poll's rounds fill it. */
export interface Records {
  /** To be called in each round, when all is sampled. */
  note(nowMs: number): void;
  /** @param stalls those told of, newest first */
  history(since: number | undefined, nowMs: number, stalls: readonly Stall[]): History;
  minute(nowMs: number): Minute | undefined;
  readonly utilization: Activity['utilization'];
}

export function openRecords(parts: RecordsParts): Records {
  const { main, wallClockOf: toWall = wallClockOf } = parts;
  // Points come no faster than seconds pass, so no sidecar's numbers run ahead of the clock, and each of those
  // before this one puts it one ahead: numbers go up from one to the next, and for a new process on the port.
  const ring = createRing(Math.floor(Date.now() / 1000) + parts.restarts);
  const readSecond = createSecond(parts);
  const activity = createActivity();
  const lastMinute = createLastMinute();
  const bands = createBands(parts.earlier);
  let dueMs = Number.NEGATIVE_INFINITY;

  function notePoint(nowMs: number): void {
    const accounts = main.accounts();
    ring.note(nowMs, toWall(nowMs), readSecond(nowMs, accounts), parts.pools().map(readingsOf));
    lastMinute.note(nowMs, accounts);
    activity.note(nowMs, [main, ...parts.others()]);
  }

  return {
    note(nowMs) {
      bands.note(nowMs, main.stall());
      if (nowMs < dueMs - SLACK_MS) return;
      dueMs = Math.max(dueMs + EVERY_MS, nowMs + EVERY_MS - SLACK_MS);
      notePoint(nowMs);
    },
    history(since, nowMs, stalls) {
      const wallMs = toWall(nowMs);
      return { ...ring.since(since, wallMs), stalls: bands.all(nowMs, wallMs, stalls) };
    },
    minute: (nowMs) => lastMinute.of(nowMs, main.accounts()),
    utilization: activity.utilization,
  };
}

function readingsOf({ name, state }: Pick<PoolView, 'name' | 'state'>): PoolReadings {
  const { active = Number.NaN, capacity = Number.NaN, queueSize: queued = Number.NaN } = state ?? {};
  return { name, active, capacity, queued };
}
