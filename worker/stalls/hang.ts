import type { HangOptions, Stall } from '../../src/shared/protocol.js';

export interface HangGuardOptions {
  readonly hang: HangOptions;
  readonly debuggerOpen: () => boolean;
  /** Writes the full report where it survives the process. */
  readonly report: (stall: Stall) => void;
  /** Ends the process. */
  readonly kill: (signal: NodeJS.Signals) => void;
}

/**
 * Acts, once a stall, when the loop has not come back for `after`. Not when that is nobody's fault: the process was
 * stopped, it gets no CPU, or somebody is debugging it.
 */
export function createHangGuard(options: HangGuardOptions): (stall: Stall | undefined) => void {
  let acted: string | undefined;
  return (stall) => {
    if (!stall || stall.id === acted || stall.durationMs - stall.pausedMs < options.hang.after) return;
    if (stall.cause === 'paused' || stall.cause === 'starved' || options.debuggerOpen()) return;
    acted = stall.id;
    try {
      options.report(stall);
    } finally {
      if (options.hang.action === 'kill') options.kill(options.hang.signal);
    }
  };
}
