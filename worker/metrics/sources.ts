import type { CollectorName, DropReason } from '../../src/shared/labels.js';
import type { ProcessState } from '../../src/shared/layout.js';
import type { SidecarOptions } from '../../src/shared/protocol.js';
import type { ProcessLedger, Tally } from '../counters.js';
import type { LoopView } from '../loops/loop.js';
import type { PoolView } from '../pools/pool.js';
import type { CpuThrottling } from '../system/cgroup.js';
import type { ProcessUsage } from '../system/process.js';
import type { ThreadpoolState } from '../system/threadpool.js';

/** What the collectors of one scrape look at: the same moment for all. */
export interface Sources {
  readonly nowMs: number;
  /** Main's first. */
  readonly loops: readonly [LoopView, ...LoopView[]];
  readonly processState: ProcessState;
  readonly ledger: ProcessLedger;
  readonly pools: readonly PoolView[];
  readonly threadpool: ThreadpoolState;
  readonly options: SidecarOptions;
  /** `undefined`: not asked for. */
  readonly usage: ProcessUsage | undefined;
  /** `undefined` where the system keeps no such accounts. */
  readonly throttling: CpuThrottling | undefined;
  /** Milliseconds, maximum over the last 60 s. */
  readonly sidecarLagMaxMs: number;
  readonly collectorErrors: Tally<CollectorName>;
  /** Milliseconds since the relayed text was made; `undefined` if there is none. */
  readonly relayAgeMs: number | undefined;
  /** Families of the app's registry that were left out, by reason. */
  readonly relayDropped: Tally<DropReason> | undefined;
}
