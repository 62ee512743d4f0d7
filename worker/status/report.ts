import type { SidecarOptions } from '../../src/shared/protocol.js';
import type { History, Status } from '../../src/shared/status.js';
import type { Basics } from '../basics.js';
import type { Forensics } from '../forensics.js';
import type { Pools } from '../pools/pools.js';
import type { CpuThrottling } from '../system/cgroup.js';
import type { Threadpool } from '../system/threadpool.js';
import type { FinishedBand } from './bands.js';
import { openRecords } from './records.js';
import { statusOf } from './status.js';

export interface ReportParts {
  readonly options: SidecarOptions;
  readonly forensics: Forensics;
  readonly pools: Pools;
  readonly threadpool: Threadpool;
  /** `undefined` where the system keeps no such accounts. */
  readonly throttling: (() => CpuThrottling | undefined) | undefined;
  /** Main's stalls that sidecars before this one have told, oldest first. */
  readonly earlier: readonly FinishedBand[];
  /** Name of the app. */
  readonly app: () => string;
}

/** What the status page and its routes are told. */
export interface Report {
  /** To be called in each round of the poll, when all is sampled. */
  note(nowMs: number): void;
  /** The process as of the latest round, which was at this moment. */
  state(nowMs: number): Status;
  /** The points after this one; all without it. */
  history(nowMs: number, since: number | undefined): History;
}

export function openReport(basics: Basics, parts: ReportParts): Report {
  const { ledger, contain, processState } = basics;
  const { main, threads, reporter } = parts.forensics;
  const { restarts } = processState();
  const records = openRecords({
    main,
    others: threads.loops,
    pools: parts.pools.all,
    ledger,
    throttling: parts.throttling,
    contain,
    restarts,
    earlier: parts.earlier,
  });
  return {
    note: records.note,
    state: (nowMs) =>
      statusOf({
        nowMs,
        loops: [main, ...threads.loops()],
        pools: parts.pools.all(),
        threadpool: parts.threadpool.state(nowMs),
        ledger,
        options: parts.options,
        app: parts.app(),
        restarts,
        latestStall: reporter.journal.stalls()[0],
        records,
      }),
    history: (nowMs, since) => records.history(since, nowMs, reporter.journal.stalls()),
  };
}
