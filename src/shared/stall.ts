import type { CaptureResult, Cause } from './labels.js';

/** One frame of a stack, as near to the source as its maps allow. */
export interface Frame {
  /** Its name; `(anonymous)` if it has none. */
  readonly function: string;
  /** Path or URL of the source. */
  readonly file: string;
  /** From 1. */
  readonly line: number;
  /** From 1. */
  readonly column: number;
  /** Node.js' own code, or native. */
  readonly internal: boolean;
  /**
   * What stands there, at most 120 characters of the line, where the source can be read and `sourceLines` is
   * on.
   */
  readonly code?: string;
}

/** Of which request the code was that ran when the thread was looked at. What is not known is absent. */
export interface RequestContext {
  /** Of OpenTelemetry's active span: 32 hexadecimal digits. */
  readonly traceId?: string;
  /** The span itself: 16 hexadecimal digits. */
  readonly spanId?: string;
  /** Its name, at most 256 characters, where the span is recorded. */
  readonly name?: string;
  /**
   * What the option `context` returned, by way of JSON. Of more than 1 KiB of it the beginning, as a string
   * that ends in `…`; a BigInt is a string, and what JSON cannot tell is `[no JSON]`.
   */
  readonly context?: unknown;
}

/** One attempt to see what the main thread was doing. */
export interface StackSample {
  /** Milliseconds after the stall's start, when it was asked. */
  readonly atMs: number;
  /** What became of it; see `observability/STALLS.md`. */
  readonly result: CaptureResult;
  /**
   * Innermost first; empty unless captured. Where `nativeMs` is there, the innermost is who called the native
   * code, or, if that has returned by then, who called that; its line may be the next that calls something.
   * What had only just been called is left out: it has run nothing yet.
   */
  readonly frames: readonly Frame[];
  /**
   * For so many milliseconds the thread gave no answer, the time taken off in which it waited for a CPU or
   * was stopped: it was in native code (`JSON.parse`, `v8.serialize`, a sync call, garbage collection).
   * Absent if it answered within 2 ms.
   */
  readonly nativeMs?: number;
  /** Whose code it was, where that could be told and the option `context` is on. */
  readonly request?: RequestContext;
}

/** A function that a stall's time was spent in. */
export interface HotFrame {
  /**
   * Where: the innermost function of the app's own code, or, where there was none on the stack, of a
   * dependency's; at that of its lines which was seen for most of the time.
   */
  readonly frame: Frame;
  /** The part of the time that was sampled, 0 to 1. */
  readonly share: number;
}

/** Of what the app says of a request so much is kept, in bytes of JSON. */
export const CONTEXT_MAX_BYTES = 1024;

/** Where a function on the stack is, and where it begins; lines and columns from 1. */
export type Site = readonly [
  url: string,
  line: number,
  column: number,
  fromLine: number,
  fromColumn: number,
  /** SHA-256 of the script's text, where it was asked for. */
  hash: string | null,
];

/** Name of the script by which the main thread is looked at. */
export const LOOK_URL = 'event-loop-watchdog:look';

/** What the main thread says of itself when it is looked at. */
export interface LookAnswer {
  /** The turn in progress. */
  readonly turn: number;
  /** On the clock of all threads. */
  readonly atMs: number;
  /** Innermost first. */
  readonly sites: Site[];
}

/** A stall of an event loop: a turn that held it for at least `stallThreshold`. */
export interface Stall {
  /** Unique among all processes of this host: process id, start time and turn. */
  readonly id: string;
  /** Name of the thread whose loop it is: `main`, or what `watchThread()` was given. */
  readonly thread: string;
  /** What most of its time went into; see `observability/STALLS.md`. */
  readonly cause: Cause;
  /** ISO 8601 time at which the turn began to hold the loop. */
  readonly startedAt: string;
  /** Milliseconds for which the turn held the loop, without time in `pause()`. */
  readonly durationMs: number;
  /**
   * What the time went into, in milliseconds; absent where the system does not tell (not Linux, `/proc`
   * hidden), and of a stall of which the sidecar saw less than half.
   */
  readonly cpuMs?: number;
  /** Runnable, waiting for a CPU. */
  readonly runQueueMs?: number;
  /** Asleep in a system call or lock. */
  readonly sleepMs?: number;
  /** In garbage collection, without the time for which the process stood still. */
  readonly gcMs: number;
  /** The whole process stood still. */
  readonly suspendedMs: number;
  /** State of the thread when it was looked at during the stall, as `ps` shows it. */
  readonly state?: string;
  /** System call it was in, where that can be read. */
  readonly syscall?: string;
  /**
   * The frame to blame: the first of `hot`. A file that exists, or whose text the map has; else what V8 says
   * of the script that runs.
   */
  readonly culprit?: Frame;
  /**
   * What its time was spent in, by samples of the stack; the largest share first, ten at most. Each sample
   * stands for the time since the one before it: they come every 50 ms at first, then ever more rarely.
   */
  readonly hot?: readonly HotFrame[];
  /** How many samples there are, 100 at most; absent if there is none. */
  readonly samples?: number;
  /**
   * For about so many milliseconds it was in native code that its functions called, by the same samples, what
   * garbage collections explain left out; absent under a tenth of the time. See {@link StackSample.nativeMs}.
   */
  readonly nativeMs?: number;
  /**
   * The requests that were seen, and in how many of the samples; most first, at most ten. Absent if there was
   * none.
   */
  readonly requests?: readonly (RequestContext & {
    /** How many of the samples were of it. */
    readonly samples: number;
  })[];
  /** Same for stalls of one cause and place: group by it. */
  readonly fingerprint: string;
  /**
   * What was seen of the thread meanwhile, in order: the first sample, and of those that differ from it the
   * ones that stand for most of the time; empty if nobody looked.
   */
  readonly stacks: readonly StackSample[];
}

/** Stalls of one fingerprint. */
export interface Offender {
  readonly fingerprint: string;
  readonly cause: Cause;
  /** `function file:line` of the culprit, where one is known; with `:column` where the line is long. */
  readonly where: string | undefined;
  /** Stalls since it is in the list. */
  readonly count: number;
  /** At most so much: `overSeconds` of it, or a part of them, may have been others'. */
  readonly totalSeconds: number;
  /** 0 while there have been no more than a hundred places. */
  readonly overSeconds: number;
}
