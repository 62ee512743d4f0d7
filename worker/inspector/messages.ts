import type { CaptureResult } from '../../src/shared/labels.js';
import type { Frame } from '../../src/shared/stall.js';

/** What the sidecar and its inspector thread say to each other. */

/** What the thread is born with. */
export interface InspectorData {
  /** Shared numbers of main's loop: whether the asked turn still goes on. */
  readonly loop: SharedArrayBuffer;
  /** See `src/shared/exit-interlock.ts`. */
  readonly interlock: SharedArrayBuffer;
  /** Whether frames carry the text of their line. */
  readonly sourceLines: boolean;
  /** The app's entry file. */
  readonly entry: string | undefined;
}

export type InspectorRequest =
  | {
      readonly type: 'stack';
      /** Accept frames of this turn only; `undefined`: of any. */
      readonly turn: number | undefined;
      readonly deadlineMs: number;
    }
  | { readonly type: 'profile'; readonly durationMs: number; readonly deadlineMs: number };

export interface StackCapture {
  readonly result: CaptureResult;
  /** Innermost first; empty unless captured. */
  readonly frames: readonly Frame[];
  /** See `StackSample`. */
  readonly nativeMs?: number;
  /** Milliseconds for which main was at our service. */
  readonly costMs: number;
}

export interface ProfileCapture {
  readonly result: CaptureResult;
  /** The text of a `.cpuprofile`; absent unless captured. */
  readonly profile?: Uint8Array;
}

export type InspectorAnswer = StackCapture | ProfileCapture;

/** One answer to each request; the thread takes one request at a time. */
export type InspectorMessage =
  /** Before the answer, of a stack: as V8 has it, in case that mapping it fails. */
  { readonly seen: StackCapture } | { readonly answer: InspectorAnswer };
