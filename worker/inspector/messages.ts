import type { CaptureResult } from '../../src/shared/labels.js';
import type { Frame, RequestContext } from '../../src/shared/stall.js';

/** What the sidecar and its inspector thread say to each other. */

/** What the thread is born with. */
export interface InspectorData {
  /** See `src/shared/exit-interlock.ts`. */
  readonly interlock: SharedArrayBuffer;
  /** Whether frames carry the text of their line. */
  readonly sourceLines: boolean;
  /** Whether stacks say which request it was. */
  readonly context: boolean;
  /** The app's entry file. */
  readonly entry: string | undefined;
}

/** The thread to look into. */
export interface Target {
  /** As `node:worker_threads` counts; main is 0. */
  readonly threadId: number;
  /** Shared numbers of its loop, where it is under watch: whether the asked turn still goes on. */
  readonly loop: SharedArrayBuffer | undefined;
  /** Where the system keeps its accounts, such as `/proc/self/task/4711`; `undefined`: nowhere. */
  readonly taskDirectory: string | undefined;
}

export interface StackRequest {
  readonly type: 'stack';
  readonly target: Target;
  /** Accept frames of this turn only; `undefined`: of any. */
  readonly turn: number | undefined;
  /** Give up after this long. */
  readonly deadlineMs: number;
}

export interface ProfileRequest {
  readonly type: 'profile';
  readonly target: Target;
  readonly durationMs: number;
  /** Give up after this long. */
  readonly deadlineMs: number;
}

export interface ThreadsRequest {
  readonly type: 'threads';
  /** Whether each is looked into; else they are listed. */
  readonly looks: boolean;
  /** The threads of which more is known than they say themselves. */
  readonly known: readonly Target[];
  /** Give up after this long, with what has been seen. */
  readonly deadlineMs: number;
}

export type InspectorRequest = StackRequest | ProfileRequest | ThreadsRequest;

export interface StackCapture {
  readonly result: CaptureResult;
  /** Innermost first; empty unless captured. */
  readonly frames: readonly Frame[];
  /** See `StackSample`. */
  readonly nativeMs?: number;
  /** See `StackSample`. */
  readonly request?: RequestContext;
  /** Milliseconds for which the thread was at our service. */
  readonly costMs: number;
}

export interface ProfileCapture {
  readonly result: CaptureResult;
  /** The text of a `.cpuprofile`; absent unless captured. */
  readonly profile?: Uint8Array;
}

/** A JavaScript thread, and what was seen of it. */
export interface SeenThread {
  readonly threadId: number;
  /** The `Worker`'s; absent if it was given none. */
  readonly name?: string;
  /** Its number in the system; absent where that cannot be told. */
  readonly tid?: number;
  /** It has not been asked, or has not answered; else whether it was in JavaScript. */
  readonly result: 'unasked' | 'unanswered' | 'captured' | 'late';
  readonly frames: readonly Frame[];
  /** See `StackSample`. */
  readonly nativeMs?: number;
  /** See `StackSample`. */
  readonly request?: RequestContext;
}

export interface ThreadsCapture {
  /** `unanswered`: main was not there to name the threads. */
  readonly result: CaptureResult;
  /** Those that were found by the deadline. */
  readonly threads: readonly SeenThread[];
  /** Those that were too many. */
  readonly leftOut: number;
}

/** What is answered to each kind of request. */
export interface InspectorAnswers {
  readonly stack: StackCapture;
  readonly profile: ProfileCapture;
  readonly threads: ThreadsCapture;
}
export type InspectorAnswer = InspectorAnswers[keyof InspectorAnswers];

/** Requests are answered side by side. */
export interface InspectorQuestion {
  readonly id: number;
  readonly request: InspectorRequest;
}

/** One answer to each request. */
export type InspectorMessage = { readonly id: number } & (
  | { readonly answer: InspectorAnswer }
  /** Before the answer, of stacks: as V8 has them, in case that mapping them fails. */
  | { readonly seen: StackCapture | ThreadsCapture }
);
