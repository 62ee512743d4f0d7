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

/** Looks at a thread again and again, as long as one of its turns lasts. */
export interface FollowRequest {
  readonly type: 'follow';
  readonly target: Target;
  readonly turn: number;
  /** When its stall began, on the shared clock. */
  readonly startMs: number;
  /** Milliseconds that all looks together may cost. */
  readonly budgetMs: number;
  /** Give a look up after this long. */
  readonly deadlineMs: number;
}

export type InspectorRequest = StackRequest | ProfileRequest | ThreadsRequest | FollowRequest;

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

/** A location in a function that was seen on the stack. */
export interface Site {
  /** As V8 has it, until it is mapped to its source. */
  readonly frame: Frame;
  /** Same for all locations in one function. */
  readonly fn: string;
}

/** One look of many. */
export interface FollowSample extends Omit<StackCapture, 'frames'> {
  /** The how manieth, from 0; one that is told again is known better now. */
  readonly index: number;
  /** Milliseconds after the stall's start, when it was asked. */
  readonly atMs: number;
  /** And when it was answered; absent unless it was, in the asked turn. */
  readonly seenMs?: number;
  /** Where on the stack the thread was, innermost first: indices of sites. */
  readonly stack: readonly number[];
}

/** What is found out while a stall is followed. */
export interface FollowNews {
  readonly sample?: FollowSample;
  /** New ones, and those that are known better now. */
  readonly sites: ReadonlyMap<number, Site>;
}

export interface FollowEnd {
  /** `captured` if there is no more to look at, or no more budget for it. */
  readonly result: CaptureResult;
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
  /** Frames are as V8 has them. */
  readonly unmapped?: true;
}

/** What is answered to each kind of request. */
export interface InspectorAnswers {
  readonly stack: StackCapture;
  readonly profile: ProfileCapture;
  readonly threads: ThreadsCapture;
  readonly follow: FollowEnd;
}
export type InspectorAnswer = InspectorAnswers[keyof InspectorAnswers];

/** Requests are answered side by side. */
export type InspectorQuestion = { readonly id: number } & (
  | { readonly request: InspectorRequest }
  /** A stall is to be followed no longer. */
  | { readonly release: true }
);

/** One answer to each request. */
export type InspectorMessage = { readonly id: number } & (
  | { readonly answer: InspectorAnswer }
  /** Before the answer, of stacks: as V8 has them, in case that mapping them fails. */
  | { readonly seen: StackCapture | ThreadsCapture }
  | { readonly news: FollowNews }
);
