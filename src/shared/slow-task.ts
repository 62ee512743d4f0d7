import type { CaptureResult } from './labels.js';
import type { Frame, RequestContext } from './stall.js';

/** Which code a task runs, as Piscina is told. */
export interface TaskName {
  readonly file: string;
  /** Name of the export. */
  readonly name: string;
}

/** Which tasks of a pool are to be told of, and what they are called. */
export interface SlowWatch {
  /** Milliseconds. */
  readonly afterMs: number;
  /** What a task runs that says nothing else; `undefined`: each must say. */
  readonly byDefault: TaskName | undefined;
  /** By the numbers that main notes. */
  readonly names: readonly TaskName[];
}

/** A task of a worker pool that has run for as long as the pool's `slowTask` says. */
export interface SlowTask {
  /** Name of the pool. */
  readonly pool: string;
  /** The `threadId` of the thread that runs it. */
  readonly threadId: number;
  /**
   * ISO 8601 time at which the thread was handed it; of one that was handed out in the very turn in which the
   * main thread froze, at which it was first seen.
   */
  readonly startedAt: string;
  /**
   * Milliseconds for which it had run when it was looked at, without time for which the whole process stood
   * still.
   */
  readonly ranMs: number;
  /** Path of the file that Piscina runs; absent if that cannot be known while the main thread is frozen. */
  readonly file?: string;
  /**
   * Name of the export that it runs; of the default export the function's own, where the stack tells. Absent
   * like `file`.
   */
  readonly function?: string;
  /** What became of the look at its thread; see `observability/STALLS.md`. */
  readonly result: CaptureResult;
  /**
   * What the thread was doing, innermost first. Empty unless captured; captured and empty: the task runs no
   * JavaScript now, it awaits something.
   */
  readonly frames: readonly Frame[];
  /**
   * For so many milliseconds the thread gave no answer: it was in native code. Only of a thread that is under
   * watch itself.
   */
  readonly nativeMs?: number;
  /** The request that the task ran for, where its thread knew: see {@link StackSample.request}. */
  readonly request?: RequestContext;
  /** The frame to blame: the innermost one of the app's own code. */
  readonly culprit?: Frame;
}
