import { GC } from '../../src/shared/layout.js';
import { allocate, openReader } from '../../src/shared/regions.js';
import type { Stall } from '../../src/shared/stall.js';
import { createCulpritBoard, type LoopCulprits } from '../../worker/culprits/board.js';
import { nextPollMs } from '../../worker/poll.js';
import { createInvestigator } from '../../worker/stalls/investigate.js';
import { createSuspensions, PULSE_MS } from '../../worker/stalls/suspensions.js';
import type { ThreadReader } from '../../worker/system/thread.js';
import type { Random } from './seed.js';
import type { VirtualLoop } from './virtual-loop.js';

export interface VirtualSidecarOptions {
  readonly loop: VirtualLoop;
  readonly thread: ThreadReader;
  readonly random: Random;
  readonly stallThresholdMs: number;
  /** A busy machine: the sidecar gets its CPU up to this much too late. */
  readonly jitterMs: number;
  /** Whether it knows of its own thread. */
  readonly knowsItself: boolean;
  /** Called wherever it reads, or has told, something: it dies there if this throws. */
  readonly onEffect: () => void;
  readonly onBegin: (stall: Stall) => void;
  readonly onEnd: (stall: Stall) => void;
  readonly onSuspension: (ms: number) => void;
}

/** What of the sidecar follows one loop, in virtual time: it polls when it would. */
export interface VirtualSidecar {
  readonly startedMs: number;
  /** When it gets its CPU for the next poll. */
  dueMs(): number;
  poll(): void;
  /** The loop is no more. */
  end(): void;
}

export function startVirtualSidecar(options: VirtualSidecarOptions): VirtualSidecar {
  const { loop, random, jitterMs, stallThresholdMs, onEffect } = options;
  const own = { cpuMs: 1, runQueueMs: 0 };
  const suspensions = createSuspensions(
    () => (options.knowsItself ? { ...own } : undefined),
    () => 0,
  );
  const culprits = createCulpritBoard(loop.now).join(loop.ledger);
  const investigator = investigate(options, culprits, suspensions.suspendedBetween);
  const startedMs = loop.now();
  let expectedMs = startedMs;
  let dueMs = startedMs;
  return {
    startedMs,
    dueMs: () => dueMs,
    poll() {
      const nowMs = loop.now();
      const suspendedMs = suspensions.note(nowMs, Math.max(0, nowMs - expectedMs - 1));
      if (suspendedMs > 0) options.onSuspension(suspendedMs);
      onEffect();
      const stats = loop.read();
      investigator.observe(nowMs, stats);
      culprits.settle();
      const waitMs = Math.ceil(nextPollMs(nowMs, stats, stallThresholdMs, investigator.isAlert(nowMs)));
      expectedMs = nowMs + (suspensions.isWary(nowMs) ? Math.min(PULSE_MS, waitMs) : waitMs);
      const lateMs = random(0, jitterMs);
      own.runQueueMs += lateMs;
      dueMs = expectedMs + random(0, 1) + lateMs;
    },
    end: () => investigator.end(loop.now(), loop.read()),
  };
}

function investigate(
  { loop, thread, onEffect, ...options }: VirtualSidecarOptions,
  culprits: LoopCulprits,
  suspendedBetween: Parameters<typeof createInvestigator>[0]['suspendedBetween'],
): ReturnType<typeof createInvestigator> {
  const after = <T>(value: T): T => {
    onEffect();
    return value;
  };
  return createInvestigator({
    name: 'main',
    stallThresholdMs: options.stallThresholdMs,
    captureAfterMs: undefined,
    ledger: loop.ledger,
    now: loop.now,
    readStats: () => after(loop.read()),
    readRing: () => after(loop.readRing()),
    readGc: openReader(GC, allocate(GC)),
    thread: { times: () => after(thread.times()), state: () => after(thread.state()) },
    suspendedBetween,
    // Nothing is captured.
    inspector: undefined as never,
    mains: undefined,
    target: { threadId: 0, loop: undefined, taskDirectory: undefined },
    onCapture: () => {},
    onUnavailable: () => {},
    idPrefix: '1',
    onBegin: (stall) => after(options.onBegin(stall)),
    onEnd(stall) {
      culprits.charge({ ...stall, ...blame(Math.round(stall.durationMs)) });
      after(options.onEnd(stall));
    },
  });
}

/** Nobody looks at stacks here: each second stall is somebody's. */
function blame(chance: number): Pick<Stall, 'culprit'> {
  if (chance % 2 === 0) return {};
  const place = { function: `f${chance % 3}`, file: '/srv/shop.js', line: 1, column: 1, internal: false };
  return { culprit: place };
}
