import {
  CAPTURE_KINDS,
  CAPTURE_RESULTS,
  type CaptureKind,
  type CaptureResult,
} from '../src/shared/labels.js';
import type { SidecarData } from '../src/shared/protocol.js';
import type { Stall } from '../src/shared/stall.js';
import type { Basics } from './basics.js';
import { createBudget } from './captures/budget.js';
import { createInspector, type Inspector } from './captures/client.js';
import { wallTimeOf } from './counters.js';
import { createCulpritBoard } from './culprits/board.js';
import { createDump, type TakeDump } from './dump/dump.js';
import { type Loop, type LoopOptions, watchLoop } from './loops/loop.js';
import { openThreads, type Threads } from './loops/threads.js';
import type { Pools } from './pools/pools.js';
import { createHangGuard } from './reports/hang.js';
import { openReporter, type Reporter } from './reports/reporter.js';
import { logNoAccounts } from './reports/stall-log.js';
import { watchDebugger } from './system/debugger.js';

/** The hang report waits for a dump of all threads, which has two seconds, no longer. */
const REPORT_WAITS_MS = 2500;

/** The loops under watch, what is found out about their stalls, and who is told. */
export interface Forensics {
  readonly main: Loop;
  readonly threads: Threads;
  readonly reporter: Reporter;
  readonly inspector: Inspector;
  /** A dump of all threads. */
  readonly takeDump: TakeDump;
  countCapture(kind: CaptureKind, result: CaptureResult): void;
  /** For how long no debugger has been attached, in milliseconds; 0: one is. */
  debuggerAwayMs(): number;
  /** Acts on main's stall under way, if it is time. */
  guard(stall: Stall | undefined): void;
}

export function openForensics(data: SidecarData, basics: Basics, pools: Pools): Forensics {
  const { options } = data;
  const { now, ledger, processState } = basics;
  const reporter = reporterOf(data, basics);
  const debuggers = watchDebugger({
    now,
    debugPort: () => processState().debugPort,
    inspectorOpen: () => processState().inspectorOpen > 0,
  });
  const inspector = createInspector({
    whyNot: () => options.notInspectable ?? (debuggers.awayMs() === 0 ? 'a debugger is attached' : undefined),
    onThreadEnd: pools.excuseThread,
    interlock: data.memory.interlock,
    sourceLines: options.sourceLines,
    context: options.context,
    entry: options.entry,
  });
  const countCapture = (kind: CaptureKind, result: CaptureResult): void => {
    const index = CAPTURE_KINDS.indexOf(kind) * CAPTURE_RESULTS.length + CAPTURE_RESULTS.indexOf(result);
    ledger.add('captures', 1, index);
  };
  const { main, threads } = watchLoops(data, basics, {
    onCapture: (result) => countCapture('stack', result),
    reporter,
    inspector,
  });
  const takeDump = createDump({ inspector, loops: () => [main, ...threads.loops()], pools: pools.all });
  const guardHang =
    options.hang &&
    createHangGuard({
      hang: options.hang,
      debuggerAwayMs: debuggers.awayMs,
      async report(stall) {
        const dump = await inTime(takeDump());
        // The dump tells of the threads.
        const states = pools.all().map(({ name, state }) => ({ pool: name, ...state }));
        // Hundreds of numbers that say nothing of it.
        const { nativeTurns, nativeMs, ...stats } = main.stats();
        reporter.hang(stall, { pools: states, stats }, dump?.dump);
      },
      onFault: () => basics.errors.add('hang'),
      kill: basics.kill,
      endByForce: basics.endByForce,
    });
  return {
    main,
    threads,
    reporter,
    inspector,
    takeDump,
    countCapture,
    debuggerAwayMs: debuggers.awayMs,
    guard(stall) {
      debuggers.note(stall !== undefined);
      guardHang?.(stall);
    },
  };
}

/** A report is not held up by a dump, nor does it fail with one. */
async function inTime<T>(dump: Promise<T>): Promise<T | undefined> {
  return Promise.race([
    dump.catch(() => undefined),
    new Promise<undefined>((resolve) => {
      setTimeout(() => resolve(undefined), REPORT_WAITS_MS);
    }),
  ]);
}

function reporterOf({ options }: SidecarData, { now, ledger, warn, host }: Basics): Reporter {
  return openReporter({
    now,
    file: options.journal,
    log: options.log,
    onFileError(error, first) {
      ledger.add('journalErrors', 1);
      if (first) warn(`The stall journal cannot be written: ${error.message}`);
    },
    // Main may be gone; it is written down.
    tellMain: (stall) => void host.stall(stall).catch(() => {}),
    tellMainOfTask: (task) => void host.slowTask(task).catch(() => {}),
  });
}

interface Watchers extends Pick<LoopOptions, 'onCapture'> {
  readonly reporter: Reporter;
  readonly inspector: Inspector;
}

function watchLoops(
  data: SidecarData,
  { now, ledger, suspensions, processState }: Basics,
  { onCapture, reporter, inspector }: Watchers,
): { readonly main: Loop; readonly threads: Threads } {
  const { options, watchdogId } = data;
  const culprits = createCulpritBoard(now);
  const mains = createBudget();
  type Which = Pick<LoopOptions, 'name' | 'threadId' | 'memory' | 'taskDirectory' | 'resourceTypes'>;
  const watch = (which: Which, id: string): Loop =>
    watchLoop({
      ...which,
      stallThresholdMs: options.stallThreshold,
      delayBoundsMs: options.delayBuckets,
      captureAfterMs: options.capture,
      inspector,
      mains: which.threadId === 0 ? undefined : mains,
      culprits,
      now,
      suspendedBetween: suspensions.suspendedBetween,
      onCapture,
      onUnavailable: reporter.noStacks,
      idPrefix: `${process.pid}-${id}`,
      onBegin: reporter.begin,
      onEnd: reporter.end,
    });
  const taskDirectory = options.threadId === undefined ? undefined : `/proc/self/task/${options.threadId}`;
  const { resourceTypes } = data;
  const main = watch(
    { name: 'main', threadId: 0, memory: data.loop, taskDirectory, resourceTypes },
    watchdogId,
  );
  // Now: the system's clock may be set before the first scrape.
  wallTimeOf(ledger, 'startedAt', main.stats().startedAtMs);
  // Linux with /proc hidden, or a kernel without accounts. Once: a sidecar that replaces another need not say
  // it again.
  const accountable = process.platform === 'linux' && options.threadId !== undefined;
  if (accountable && options.log && !main.view().times && processState().restarts === 0)
    logNoAccounts(options.log);
  const threads = openThreads({
    watchdogId,
    heartbeatInterval: options.heartbeatInterval,
    stallThreshold: options.stallThreshold,
    delayBuckets: options.delayBuckets,
    now,
    watch: ({ name, threadId, memory, task, resourceTypes: types, thread }) =>
      watch({ name, threadId, memory, taskDirectory: task?.directory, resourceTypes: types }, thread),
  });
  return { main, threads };
}
