/**
 * Every value that the threads share, once: its name, its writer, how many numbers it takes. Indices, sizes
 * and the version derive from these tables. All values are Float64; those of a region are kept consistent by
 * a seqlock (an Int32 sequence in the header: odd while the writer is inside).
 */

import { CAPTURE_KINDS, CAPTURE_RESULTS, CAUSES, COLLECTORS, DROP_REASONS, GC_KINDS } from './labels.js';
import { NATIVE_BUCKETS } from './native-buckets.js';

/** `loop`: the thread whose event loop is watched, main or another. */
export type Writer = 'loop' | 'main' | 'sidecar';
export type Fields = Readonly<Record<string, number>>;

export interface Region<W extends Writer, F extends Fields> {
  readonly writer: W;
  readonly fields: F;
  /** Index of a field's first number in the region's Float64Array. */
  readonly at: { readonly [K in keyof F]: number };
  /** How many numbers the region holds. */
  readonly length: number;
}

/** A region's numbers as its reader sees them: a number for a single, an array for a row of several. */
export type Values<F extends Fields> = {
  readonly [K in keyof F]: F[K] extends 1 ? number : Readonly<Float64Array>;
};

function region<W extends Writer, F extends Fields>(writer: W, fields: F): Region<W, F> {
  let length = 0;
  const at: Record<string, number> = {};
  for (const [name, size] of Object.entries(fields)) {
    at[name] = length;
    length += size;
  }
  return { writer, fields, at: at as Region<W, F>['at'], length };
}

/**
 * Upper bounds of the histograms of waiting (event loop, libuv's pool), in milliseconds. What is read between
 * two of them is interpolated, so they are at most 1.5 apart where people look; 50, 100 and 200 are those at
 * which alerts compare. The loop's may be set otherwise, by `delayBuckets`.
 */
export const DELAY_BOUNDS_MS: readonly number[] = [
  1, 2.5, 5, 10, 15, 25, 35, 50, 75, 100, 150, 200, 300, 400, 500, 750, 1000, 1500, 2500, 5000, 10_000,
  30_000, 60_000,
];
/** Most bounds that `delayBuckets` may have: rows that count by them have room for so many. */
export const DELAY_BOUNDS_MAX = 40;

const loopStatsFields = {
  /** When `startWatchdog` was called. All moments are milliseconds on the shared clock. */
  startedAtMs: 1,
  /** When the loop's first turn began; 0 while the app still starts up. */
  loopStartedAtMs: 1,
  /** When the latest turn ended. */
  lastMarkMs: 1,
  /** When the pacer is due: until then a silent loop is idle, after it the loop is late. */
  dueMs: 1,
  /** Turns so far. Turns are numbered from 0: the one in progress has this number. */
  turns: 1,
  /** Sum of the turns' delays, d = max(busy, overdue). */
  delayMs: 1,
  /** Sum of d²/2: the waits of arrivals at every moment of each turn. */
  halfSquareMs2: 1,
  /** Per bound b, the sum of max(0, d - b). */
  excessMs: DELAY_BOUNDS_MAX as number,
  /** Per native bucket the turns whose delay lies in it, and the sum of these delays. */
  nativeTurns: NATIVE_BUCKETS as number,
  nativeMs: NATIVE_BUCKETS as number,
  /**
   * Turns with a delay of at least the stall threshold, those of `pause()` left out. Also the ring's head.
   */
  stalls: 1,
  /** Their total length. */
  stalledMs: 1,
  /** When `pause()` was entered; 0 outside. */
  pausedSinceMs: 1,
  /** How much of the turn in progress, after it was due to beat, finished `pause()` calls have taken. */
  pausedLateMs: 1,
  /** The second (shared clock) that a slot of `worstMs` stands for; a power of two above the 60 s window. */
  worstSecond: 64,
  /** The worst delay of that second; delays under 1 ms are not noted. */
  worstMs: 64,
} as const;

/** What a loop's turn meter writes, each turn. */
export const LOOP_STATS: Region<'loop', typeof loopStatsFields> = region('loop', loopStatsFields);
export type LoopStats = Values<typeof loopStatsFields>;
/** One-second slots that hold the worst delay of that second. */
export const WORST_SLOTS: number = loopStatsFields.worstSecond;

const ringFields = {
  turn: 256,
  startMs: 256,
  /** Length without the paused part. */
  durationMs: 256,
} as const;

/** The latest stalls; stall number n (from 0) lies at n % RING_SIZE, `LOOP_STATS.stalls` is the next n. */
export const RING: Region<'loop', typeof ringFields> = region('loop', ringFields);
export type RingValues = Values<typeof ringFields>;
/** Finished stalls that are remembered for a sidecar that looks late. */
export const RING_SIZE: number = ringFields.turn;

const resourceFields = {
  /** When they were counted; 0 before the first time, and when there are too many to count. */
  countedAtMs: 1,
  /** Active resources per type; the types' names travel by message, in order of first sight. */
  counts: 32,
} as const;

/** What keeps a loop alive. */
export const RESOURCES: Region<'loop', typeof resourceFields> = region('loop', resourceFields);
export type ResourceValues = Values<typeof resourceFields>;
/** Kinds of active resources told apart; the rest are counted together under the last. */
export const RESOURCE_TYPES_MAX: number = resourceFields.counts;

/** Upper bounds of `watchdog_gc_duration_seconds`, in milliseconds. */
export const GC_BOUNDS_MS: readonly number[] = [1, 5, 25, 100, 500, 2500];

const gcFields = {
  /** Windows so far in which there was a collection: the ring's head is the latest. */
  windows: 1,
  startMs: 512,
  durationMs: 512,
  /** All collections by kind, in the order of `GC_KINDS`: how many, how long together, */
  counts: GC_KINDS.length as number,
  sumsMs: GC_KINDS.length as number,
  /** and how many per bound of `GC_BOUNDS_MS`, each in one only. */
  buckets: (GC_KINDS.length * GC_BOUNDS_MS.length) as number,
} as const;

/**
 * A thread's latest garbage collections, and the sums of all; written when it hears of them: after the turn in which they
 * happened. Those with next to nothing between them are put together.
 */
export const GC: Region<'loop', typeof gcFields> = region('loop', gcFields);
export type GcValues = Values<typeof gcFields>;
export const GC_RING_SIZE: number = gcFields.startMs;

const heapFields = {
  /** What V8 has for objects, and what they take of it, in bytes; 0 before the first look. */
  totalBytes: 1,
  usedBytes: 1,
  /** What objects hold outside of it. */
  externalBytes: 1,
  /** What objects may take before V8 ends the process, or the thread. */
  limitBytes: 1,
  /** The least that was in use since the last full collection; 0 before the first. */
  survivedBytes: 1,
  /** Per heap space, in V8's order. */
  spaceTotalBytes: 16,
  spaceUsedBytes: 16,
  spaceAvailableBytes: 16,
} as const;

/** A thread's heap, about once a second. */
export const HEAP: Region<'loop', typeof heapFields> = region('loop', heapFields);
export type HeapValues = Values<typeof heapFields>;
/** Heap spaces that are told of; V8 has eight to twelve. */
export const HEAP_SPACES_MAX: number = heapFields.spaceTotalBytes;

/** Upper bounds of `watchdog_stall_duration_seconds`, in milliseconds. */
export const STALL_BOUNDS_MS: readonly number[] = [
  50, 100, 250, 500, 1000, 2500, 5000, 10_000, 30_000, 60_000, 300_000,
];

/** Series of culprits that a process has at once, `other` and `unknown` aside. */
export const CULPRITS_MAX = 20;
/** Numbers that a culprit's label takes, three characters each. */
export const CULPRIT_LABEL_NUMBERS = 34;

const loopLedgerFields = {
  /** When it came under watch: on the shared clock, and by the wall clock. */
  startedAt: 2,
  /** Highest value exported so far: a counter never goes back when an estimate is corrected. */
  delayBuckets: DELAY_BOUNDS_MAX as number,
  delayCount: 1,
  delaySumSeconds: 1,
  /** The same arrivals per native bucket, each in one only, and those that waited for nothing. */
  nativeDelay: NATIVE_BUCKETS as number,
  nativeDelayZero: 1,
  activeMs: 1,
  idleMs: 1,
  /** Stalls of the ring that are counted below. */
  stallsCounted: 1,
  stallsByCause: CAUSES.length as number,
  stallMsByCause: CAUSES.length as number,
  stallBuckets: STALL_BOUNDS_MS.length as number,
  nativeStalls: NATIVE_BUCKETS as number,
  stallCount: 1,
  stallSumMs: 1,
  /**
   * The turn whose stall is being charged while it lasts, how much of it is charged, and how much of that to
   * a pause.
   */
  chargedTurn: 1,
  chargedMs: 1,
  chargedSuspendedMs: 1,
  /** The latest stall: its turn, its start on the shared clock, and by the wall clock; 0 before the first. */
  lastStallTurn: 1,
  lastStallMs: 1,
  lastStallWallMs: 1,
  /** The latest heartbeat that was told of: on the shared clock, and by the wall clock. */
  heartbeatAt: 2,
  /**
   * Stall time by culprit, a row for each series; `worker/culprits` has the scheme. What the row was ever
   * charged, whoever had it: what is charged once stays charged, and nothing else need be added up;
   */
  culpritMs: CULPRITS_MAX as number,
  /** how much of it was others' before; */
  culpritBaseMs: CULPRITS_MAX as number,
  /** since when it is who it is: 0 while the row is free; */
  culpritSinceMs: CULPRITS_MAX as number,
  /** when it was charged last, and its weight then; */
  culpritGrewAtMs: CULPRITS_MAX as number,
  culpritWeightMs: CULPRITS_MAX as number,
  /** its label. */
  culpritLabels: (CULPRITS_MAX * CULPRIT_LABEL_NUMBERS) as number,
  /** Stall time of culprits that have no row, and of those whom nobody knows. */
  culpritOtherMs: 1,
  culpritUnknownMs: 1,
} as const;

/** The sidecar's counters of one loop, kept outside of the sidecar so that they survive it. */
export const LOOP_LEDGER: Region<'sidecar', typeof loopLedgerFields> = region('sidecar', loopLedgerFields);

type LoopPart = 'stats' | 'ring' | 'gc' | 'heap' | 'resources' | 'ledger';
/** Everything of one loop under watch. */
export const LOOP_REGIONS: Readonly<Record<LoopPart, Region<Writer, Fields>>> = {
  stats: LOOP_STATS,
  ring: RING,
  gc: GC,
  heap: HEAP,
  resources: RESOURCES,
  ledger: LOOP_LEDGER,
};
export type LoopMemory = Readonly<Record<LoopPart, SharedArrayBuffer>>;

/** Most threads besides main that one watchdog takes: each is a label value. */
export const THREADS_MAX = 32;

const processStateFields = {
  /** Sidecars that died and were replaced. */
  restarts: 1,
  /** Times that a pool could not be read. */
  poolErrors: 1,
  /** The inspector's port, or the one that SIGUSR1 would open; 0: any. And 1 while it is open. */
  debugPort: 1,
  inspectorOpen: 1,
} as const;

/** What main notes now and then of the process. */
export const PROCESS_STATE: Region<'main', typeof processStateFields> = region('main', processStateFields);
export type ProcessState = Values<typeof processStateFields>;

const ledgerFields = {
  /** When `startWatchdog` was called: on the shared clock, and by the wall clock. */
  startedAt: 2,
  /** How often the sidecar has looked: if this stands still, it is deaf. */
  polls: 1,
  /** Times that the whole process stood still, and for how long. */
  suspensions: 1,
  suspendedMs: 1,
  /** Captures by kind and result, in the order of `CAPTURE_KINDS` x `CAPTURE_RESULTS`. */
  captures: (CAPTURE_KINDS.length * CAPTURE_RESULTS.length) as number,
  journalErrors: 1,
  /** Probes of libuv's pool per bound of `DELAY_BOUNDS_MS`, each in one only. */
  probeBuckets: DELAY_BOUNDS_MS.length as number,
  nativeProbes: NATIVE_BUCKETS as number,
  probeCount: 1,
  probeSumMs: 1,
  /** How long the latest waited, and when the one on its way was sent (shared clock); 0 if there is none. */
  probeLastMs: 1,
  probeSentMs: 1,
  /** Faults of the sidecar's parts, in the order of `COLLECTORS`. */
  collectorErrors: COLLECTORS.length as number,
  /** Families of the app's registry left out, in the order of `DROP_REASONS`. */
  relayDropped: DROP_REASONS.length as number,
} as const;

/** The sidecar's own counters of the process. */
export const LEDGER: Region<'sidecar', typeof ledgerFields> = region('sidecar', ledgerFields);

/** Upper bounds of `watchdog_pool_task_run_seconds` and `_wait_seconds`, in milliseconds. */
export const TASK_BOUNDS_MS: readonly number[] = [
  1, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 10_000, 60_000,
];
/**
 * A row of what is told of tasks' times: count, sum (milliseconds), then how many took at most each bound.
 */
const TIMES_LENGTH = 2 + TASK_BOUNDS_MS.length;

/** Threads of one pool that are told apart; a larger pool shows its public numbers. */
export const POOL_THREADS_MAX = 256;

/** A pool's numbers, by these names in a reading, in memory (NaN: there is no such number) and in the metrics. */
export const POOL_NUMBERS = [
  'capacity',
  // Tasks that run now, as main knows it.
  'active',
  // As of the end of the last turn, like `requests` below: the rest is as of the snapshot.
  'queueSize',
  'queueLimit',
  'threads',
  'completed',
] as const;
export type PoolNumber = (typeof POOL_NUMBERS)[number];

const poolNumberFields: Readonly<Record<PoolNumber, 1>> = Object.fromEntries(
  POOL_NUMBERS.map((name) => [name, 1]),
) as Record<PoolNumber, 1>;
const poolFields = {
  snapshotAtMs: 1,
  /** Version of the set of thread counters that all below goes with; -1 if they cannot be seen. */
  threadsVersion: 1,
  /** Threads that were seen and are gone, so far. */
  removed: 1,
  /** Tasks handed to these threads, the sum of their counters; an Int32 that wraps as they do. */
  requests: 1,
  tasksPerThread: 1,
  /** 1 if tasks that can be aborted were seen: such a one waits for an empty thread and fills it. */
  abortable: 1,
  /** Per thread: responses that main has taken, an Int32 that wraps; */
  settled: POOL_THREADS_MAX as number,
  /** tasks handed to it whose response main has not taken; */
  tasks: POOL_THREADS_MAX as number,
  /** when the oldest of them was handed out; */
  oldestAtMs: POOL_THREADS_MAX as number,
  /** 1 if it is at a task that can be aborted; */
  filled: POOL_THREADS_MAX as number,
  /** 1 if it may still be booting; */
  booting: POOL_THREADS_MAX as number,
  /**
   * in a pool that tells of slow tasks: when the oldest that was not told was handed out, NaN if there is
   * none, and the number of its name, -1 if it has none.
   */
  untoldAtMs: POOL_THREADS_MAX as number,
  untoldName: POOL_THREADS_MAX as number,
} as const;

/** What main knows of one worker pool. */
export const POOL: Region<'main', PoolFields> = region('main', { ...poolNumberFields, ...poolFields });
export type PoolValues = Values<PoolFields>;
type PoolFields = typeof poolNumberFields & typeof poolFields;

const poolLedgerFields = {
  completed: 1,
  dispatchBlockedMs: 1,
  /** The snapshot that was told of: on the shared clock, and by the wall clock. */
  snapshotAt: 2,
  /**
   * Times of tasks, run and wait: what is told; what was told when Piscina's record last began anew; tasks in
   * that record.
   */
  run: TIMES_LENGTH as number,
  runBefore: TIMES_LENGTH as number,
  runSeen: 1,
  wait: TIMES_LENGTH as number,
  waitBefore: TIMES_LENGTH as number,
  waitSeen: 1,
  /** Slow tasks so far. */
  slowTasks: 1,
  /** Per thread, in no order: its id, and that what it was handed until then is told. Main reads it, too. */
  toldThread: POOL_THREADS_MAX as number,
  toldUntilMs: POOL_THREADS_MAX as number,
} as const;

/** The sidecar's counters of one pool. */
export const POOL_LEDGER: Region<'sidecar', typeof poolLedgerFields> = region('sidecar', poolLedgerFields);

/** Most pools that one watchdog takes: each is a label value. */
export const POOLS_MAX = 32;

/**
 * Changes whenever a table above does: two copies of this package in one process must not misread each other.
 */
export const LAYOUT_VERSION: number = [
  ...Object.values(LOOP_REGIONS),
  PROCESS_STATE,
  LEDGER,
  POOL,
  POOL_LEDGER,
]
  .flatMap((one) => Object.entries(one.fields).map(([name, size]) => `${one.writer} ${name} ${size}`))
  .join('\n')
  .split('')
  .reduce((hash, char) => Math.imul(hash, 31) + char.charCodeAt(0), 0);
