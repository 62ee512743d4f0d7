import type { Histogram } from 'node:perf_hooks';
import type { PoolNumber } from '../shared/layout.js';
import type { PoolThread } from '../shared/protocol.js';
import type { TaskName } from '../shared/slow-task.js';
import type { TaskRecord } from './piscina-inside.js';

/**
 * What a sample of a pool yields; what a pool does not have is left out. A capacity of infinity: no limit.
 */
export interface PoolReading extends Partial<Record<PoolNumber, number | undefined>> {
  readonly capacity: number;
  readonly queueSize: number;
  /** What the threads are at, where that can be seen. */
  readonly inside?: ThreadsReading | undefined;
}

export interface ThreadsReading {
  /** Changes with the set of threads. */
  readonly version: number;
  /** Threads that were in the set and are not any more, so far. */
  readonly removed: number;
  readonly threads: readonly PoolThread[];
  /** One for each of the threads. */
  readonly notes: readonly ThreadNote[];
  /** What a thread was handed and main has no answer of, oldest first. */
  tasksOf(thread: number): Iterable<TaskRecord>;
  readonly tasksPerThread: number;
  /** Whether tasks that can be aborted have been seen. */
  readonly abortable: boolean;
}

/** What main alone knows of a thread. */
export interface ThreadNote {
  /** Responses that main has taken, of those that the thread counts; wraps as they do. */
  readonly settled: number;
  /** Tasks handed out whose response main has not taken. */
  readonly tasks: number;
  /** When the oldest of them was handed out, on the shared clock; NaN if there is none. */
  readonly oldestAtMs: number;
  /** Whether it is at a task that can be aborted: it gets no other meanwhile. */
  readonly filled: boolean;
  /** Whether it may still be booting. */
  readonly booting: boolean;
}

export interface PoolReader {
  /** @throws if the pool cannot be read */
  read(): PoolReading;
  /**
   * Tasks that wait, and tasks handed to threads so far (an Int32, which wraps): cheap enough for each turn.
   */
  readonly glance?: { queueSize(): number; requests(): number };
  /** How long its tasks ran and waited. */
  readonly times?: { readonly run: Histogram; readonly wait: Histogram } | undefined;
  /** What its tasks run that say nothing else. */
  readonly byDefault?: TaskName | undefined;
  /** Whether it has no threads any more: it was closed or destroyed, and may be used again. */
  ended(): boolean;
  stop(): void;
}

export interface PoolEvents {
  /** Threads came or went. */
  onThreads(): void;
  onClose(): void;
}
