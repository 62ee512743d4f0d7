import {
  GC,
  type GcValues,
  HEAP,
  type HeapValues,
  LOOP_LEDGER,
  LOOP_STATS,
  type LoopMemory,
  type LoopStats,
  RESOURCES,
  type ResourceValues,
  RING,
} from '../../src/shared/layout.js';
import { openReader } from '../../src/shared/regions.js';
import type { Stall } from '../../src/shared/stall.js';
import { type LoopLedger, openLedger } from '../counters.js';
import type { CulpritBoard, CulpritSeries } from '../culprits/board.js';
import type { Target } from '../inspector/messages.js';
import type { Exemplar } from '../metrics/family.js';
import { createStallExemplars } from '../stalls/exemplars.js';
import { createInvestigator, type InvestigatorOptions } from '../stalls/investigate.js';
import { openThread, type ThreadReader, type ThreadTimes } from '../system/thread.js';
import { sampleDelay } from './delay.js';

/** The numbers of a loop that are at hand. */
export interface LoopAccounts {
  readonly stats: LoopStats;
  readonly ledger: LoopLedger;
  readonly gc: GcValues;
  readonly heap: HeapValues;
  /** `undefined` where the system keeps no such accounts. */
  readonly times: ThreadTimes | undefined;
}

/** What the metrics of one scrape need to know of a loop. */
export interface LoopView extends LoopAccounts {
  /** The same object for the life of the loop. */
  readonly labels: { readonly thread: string };
  /** Of the stalls, per bucket; known only to the sidecar that saw them. */
  readonly exemplars?: readonly (Exemplar | undefined)[];
  readonly resources: ResourceValues;
  /** Names of the places in `resources.counts`. */
  readonly resourceTypes: readonly string[];
  readonly culprits: readonly CulpritSeries[];
}

/** An event loop under watch: main's, or that of another thread. */
export interface Loop {
  readonly name: string;
  /** What the inspector knows its thread by. */
  readonly target: Target;
  stats(): LoopStats;
  /** Brings its stalls up to date with this moment. Returns what was seen. */
  sample(nowMs: number): {
    readonly stats: LoopStats;
    readonly stall: Stall | undefined;
    /** A stall is under way or has just been: the next sample should come soon. */
    readonly alert: boolean;
  };
  /** As of the last sample. */
  view(): LoopView;
  /** A part of it: reads no file if the sample has just done so. */
  accounts(): LoopAccounts;
  /** The stall under way, as of the last sample. */
  stall(): Stall | undefined;
  /** The loop is no more: tells of what has come up, also of a stall that its end cut short. */
  end(nowMs: number): void;
  setResourceTypes(names: readonly string[]): void;
}

export interface LoopOptions
  extends Omit<InvestigatorOptions, 'ledger' | 'thread' | 'readStats' | 'readRing' | 'readGc' | 'target'> {
  /** As `node:worker_threads` counts; main is 0. */
  readonly threadId: number;
  readonly memory: LoopMemory;
  /** Where the system keeps the thread's accounts, such as `/proc/self/task/4711`; `undefined`: nowhere. */
  readonly taskDirectory: string | undefined;
  readonly resourceTypes: readonly string[];
  readonly culprits: CulpritBoard;
  readonly delayBoundsMs: readonly number[];
}

const NO_ACCOUNTS: ThreadReader = { times: () => undefined, state: () => undefined };
/** What was read of a thread so lately is as good as new. */
const RECENT_MS = 5;

export function watchLoop({
  memory,
  taskDirectory,
  threadId,
  delayBoundsMs,
  onEnd,
  ...options
}: LoopOptions): Loop {
  const stats = openReader(LOOP_STATS, memory.stats);
  const readResources = openReader(RESOURCES, memory.resources);
  const readGc = openReader(GC, memory.gc);
  const readHeap = openReader(HEAP, memory.heap);
  const ledger = openLedger(LOOP_LEDGER, memory.ledger);
  const thread = remember(taskDirectory === undefined ? NO_ACCOUNTS : openThread(taskDirectory), options.now);
  const target = { threadId, loop: memory.stats, taskDirectory };
  const culprits = options.culprits.join(ledger);
  const exemplars = createStallExemplars();
  const investigator = createInvestigator({
    ...options,
    target,
    onEnd(stall, profile) {
      culprits.charge(stall);
      exemplars.note(stall);
      onEnd(stall, profile);
    },
    ledger,
    thread,
    readStats: stats,
    readRing: openReader(RING, memory.ring),
    readGc,
  });
  const labels = { thread: options.name };
  let { resourceTypes } = options;
  let seen = stats();
  let stall: Stall | undefined;
  return {
    name: options.name,
    target,
    stats,
    stall: () => stall,
    accounts: () => ({ stats: seen, ledger, gc: readGc(), heap: readHeap(), times: thread.recentTimes() }),
    sample(nowMs) {
      stall = undefined;
      seen = stats();
      if (seen.loopStartedAtMs > 0) sampleDelay(nowMs, seen, ledger, delayBoundsMs);
      stall = investigator.observe(nowMs, seen);
      culprits.settle();
      return { stats: seen, stall, alert: investigator.isAlert(nowMs) };
    },
    view: () => ({
      labels,
      stats: seen,
      ledger,
      gc: readGc(),
      heap: readHeap(),
      exemplars: exemplars.all(),
      resources: readResources(),
      resourceTypes,
      times: thread.times(),
      culprits: culprits.series(),
    }),
    end(nowMs) {
      investigator.end(nowMs, stats());
      culprits.leave();
    },
    setResourceTypes(names) {
      resourceTypes = names;
    },
  };
}

function remember(
  thread: ThreadReader,
  now: () => number,
): ThreadReader & { readonly recentTimes: ThreadReader['times'] } {
  let latest: ThreadTimes | undefined;
  let readMs = Number.NEGATIVE_INFINITY;
  function times(): ThreadTimes | undefined {
    latest = thread.times();
    readMs = now();
    return latest;
  }
  return {
    state: thread.state,
    times,
    recentTimes: () => (now() - readMs < RECENT_MS ? latest : times()),
  };
}
