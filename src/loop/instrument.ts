import { now } from '../shared/clock.js';
import type { LoopMemory } from '../shared/layout.js';
import { openContext } from './context.js';
import { startGcNotes } from './gc.js';
import { openHeapNotes } from './heap.js';
import { type Heartbeat, startHeartbeat } from './heartbeat.js';
import { createResourceSampler } from './resources.js';

export interface InstrumentOptions {
  readonly heartbeatInterval: number;
  readonly stallThreshold: number;
  /** What is told of the request that runs: see {@link openContext}. */
  readonly context: boolean | (() => unknown);
  readonly delayBuckets: readonly number[];
  /** A new type of resources keeps the loop alive. */
  readonly onResourceTypes: (types: readonly string[]) => void;
  /** With each beat of the pacer: about ten times a second, on an idle loop once. */
  readonly onPace?: (nowMs: number) => void;
  /** At the end of each turn, while the heartbeat is sampling. */
  readonly onTurn?: (nowMs: number, counted: boolean) => void;
}

/** All that is measured in a thread under watch. */
export interface Instruments {
  readonly heartbeat: Heartbeat;
  resourceTypes(): readonly string[];
  stop(): void;
}

/** Begins to measure this thread's event loop, main's or another's. */
export function instrumentThread(memory: LoopMemory, options: InstrumentOptions): Instruments {
  const { onResourceTypes, onPace, onTurn = () => {} } = options;
  const resources = createResourceSampler(memory.resources, onResourceTypes);
  const heap = openHeapNotes(memory.heap);
  const heartbeat = startHeartbeat(memory, {
    heartbeatInterval: options.heartbeatInterval,
    stallThreshold: options.stallThreshold,
    delayBuckets: options.delayBuckets,
    onPace(nowMs, quiet) {
      context.tell();
      onPace?.(nowMs);
      resources.sample(nowMs, quiet, now);
      heap.sample(nowMs);
    },
    onTurn,
  });
  const context = openContext(options.context, heartbeat.turn);
  const stopGcNotes = startGcNotes(memory.gc, heap.collected);
  return {
    heartbeat,
    resourceTypes: resources.types,
    stop() {
      context.close();
      stopGcNotes();
      heartbeat.stop();
    },
  };
}
