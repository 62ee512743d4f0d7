import type { Cause } from './labels.js';
import type { Stall } from './stall.js';

/**
 * How an event loop fares: `starting` until its first turn; `turning`; `late`, its turn keeps it for half of
 * `stallThreshold` by now, and is no stall yet; `blocked`, a stall is under way; `paused`, in `watchdog.pause()`.
 */
export type LoopState = 'starting' | 'turning' | 'late' | 'blocked' | 'paused';

/** An event loop under watch as it is now. What is not known is absent. */
export interface LoopStatus {
  /** `main`, or what `watchThread()` was given. */
  readonly thread: string;
  readonly state: LoopState;
  /** How late its next heartbeat is, in milliseconds; 0, as `lagMaxMs`, before its first turn. */
  readonly lagMs: number;
  /** The longest delay of a turn over the last 60 seconds, in milliseconds, the turn in progress included. */
  readonly lagMaxMs: number;
  /** Turns so far. */
  readonly turns: number;
  /** Part of the last second for which the loop was held, 0 to 1. */
  readonly utilization?: number;
  /** The stall under way, with what is known of it by now. */
  readonly stall?: Stall;
  /** Stalls that are over, and their seconds, since it is watched. */
  readonly stalls: number;
  readonly stallSeconds: number;
  /** V8's heap as of the last heartbeat; `limitBytes` is where V8 gives up. */
  readonly heap?: { readonly usedBytes: number; readonly totalBytes: number; readonly limitBytes: number };
}

/** A pool under watch as it is now. Numbers of tasks; what cannot be known now is absent. */
export interface PoolStatus {
  readonly name: string;
  /** Absent, too, if there is no limit. */
  readonly capacity?: number;
  readonly active?: number;
  readonly queued?: number;
  /** Finished so far. */
  readonly completed?: number;
  /** Threads of it that are alive. */
  readonly threads?: number;
  /** Age of the task that runs longest, in milliseconds; 0 if none runs. */
  readonly oldestTaskMs?: number;
  /** Seconds with threads idle, tasks queued, and the main thread frozen, which alone hands them out. */
  readonly dispatchBlockedSeconds?: number;
}

/** What `GET /api/state` answers: the process as its watchdog sees it now, frozen or not. */
export interface Status {
  /** ISO 8601 time of this moment. */
  readonly at: string;
  /** What there is to know first, in one sentence for people. */
  readonly sentence: string;
  readonly process: {
    /** As `GET /sd` names it. */
    readonly app: string;
    readonly pid: number;
    /** Of Node.js, such as `v20.20.2`, and of this package. */
    readonly nodeVersion: string;
    readonly watchdogVersion: string;
    /** ISO 8601 time. */
    readonly startedAt: string;
    readonly residentBytes?: number;
    /** How often the sidecar died and was born anew. */
    readonly sidecarRestarts: number;
  };
  /** Main's first. */
  readonly loops: readonly LoopStatus[];
  readonly pools: readonly PoolStatus[];
  /** libuv's pool: its size, how long the latest probe waited for a thread, or waits by now. */
  readonly threadpool: { readonly size: number; readonly queueDelayMs?: number; readonly pendingMs?: number };
  /** Id of the latest stall that is over; who has seen it need not ask `GET /api/stalls` again. */
  readonly latestStall?: string;
  /** The options that explain the figures, in milliseconds. */
  readonly settings: { readonly heartbeatInterval: number; readonly stallThreshold: number };
}

/** Numbers of a series, one for each of `History.at`; `null` where it was not known. */
export type Series = readonly (number | null)[];

/** A stall of main's loop, as a band over a chart. */
export interface StallBand {
  readonly id: string;
  /** `unknown`, too, of one that a sidecar saw that has been replaced since. */
  readonly cause: Cause;
  /** Unix time in milliseconds; a stall under way has no end yet. */
  readonly fromMs: number;
  readonly toMs?: number;
}

/** What `GET /api/history?since=` answers: a point about each second, of the last 15 minutes. */
export interface History {
  /**
   * Of the newest point: `since` it, the next answer has newer ones only. It goes up by one a point, also from
   * one sidecar to the next that takes its place. All points come without `since`, with one that is ahead, and
   * after the clock was set back. Of points that were kept those are outdated that are not before the first that
   * comes.
   */
  readonly seq: number;
  /** Unix time of each point in milliseconds, ascending. */
  readonly at: readonly number[];
  readonly series: {
    /**
     * Main's delay in that second, in milliseconds: what an event that came at a random moment had to wait; 0 is
     * less than 1 ms.
     */
    readonly delayP50Ms: Series;
    readonly delayP99Ms: Series;
    /** Of the longest turn that ended in that second, or goes on. */
    readonly delayMaxMs: Series;
    /** Part of that second for which main's loop was held. */
    readonly utilization: Series;
    /** How long a probe waited for a thread of libuv's pool, in milliseconds; grows while it waits. */
    readonly threadpoolDelayMs: Series;
    /** CPUs that the process used, */
    readonly processCpu: Series;
    /** and main's thread, */
    readonly mainCpu: Series;
    /** and the part of the second that this waited for one. */
    readonly mainRunQueue: Series;
    /** Part of the second for which the cgroup's quota held threads back; over 1 if it was several. */
    readonly throttled: Series;
    readonly heapUsedBytes: Series;
    readonly heapLimitBytes: Series;
    /** Looked at every five seconds. */
    readonly residentBytes: Series;
    /** Part of the second that main's garbage collections took; known when their turn is over. */
    readonly gc: Series;
  };
  /** The first sixteen pools. */
  readonly pools: readonly {
    readonly name: string;
    readonly active: Series;
    readonly capacity: Series;
    readonly queued: Series;
  }[];
  /**
   * Those of the last 15 minutes among the latest hundred, also those that sidecars before this one have seen;
   * oldest first; always all.
   */
  readonly stalls: readonly StallBand[];
}

/** Names of the series of a {@link History}, but for those of the pools. */
export type HistorySeries = keyof History['series'];

const EVERY_SERIES: Readonly<Record<HistorySeries, true>> = {
  delayP50Ms: true,
  delayP99Ms: true,
  delayMaxMs: true,
  utilization: true,
  threadpoolDelayMs: true,
  processCpu: true,
  mainCpu: true,
  mainRunQueue: true,
  throttled: true,
  heapUsedBytes: true,
  heapLimitBytes: true,
  residentBytes: true,
  gc: true,
};
export const HISTORY_SERIES: readonly HistorySeries[] = Object.keys(EVERY_SERIES) as HistorySeries[];
