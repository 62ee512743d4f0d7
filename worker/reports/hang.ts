import type { HangOptions } from '../../src/shared/protocol.js';
import type { Stall } from '../../src/shared/stall.js';

export interface HangGuardOptions {
  readonly hang: HangOptions;
  /** For how long no debugger has been attached, in milliseconds; 0: one is. */
  readonly debuggerAwayMs: () => number;
  /** Writes the full report where it survives the process. */
  readonly report: (stall: Stall) => void;
  /** Ends the process. */
  readonly kill: (signal: NodeJS.Signals) => void;
}

/** By the clock a process that gets too little CPU may take so many times as long. */
const STARVED_FACTOR = 10;

/**
 * Whether what the code does has kept the loop for `timeoutMs`. Not of a process that was stopped. Of one
 * that gets too little CPU only what the turn had of it counts: an endless loop under a quota is one all the
 * same.
 */
export function isHung({ cause, durationMs, suspendedMs, cpuMs = 0 }: Stall, timeoutMs: number): boolean {
  const stalledMs = durationMs - suspendedMs;
  if (cause === 'suspended') return false;
  if (cause !== 'starved') return stalledMs >= timeoutMs;
  return cpuMs >= timeoutMs || stalledMs >= STARVED_FACTOR * timeoutMs;
}

/** Acts once a stall, when the loop has hung for `after`, unless somebody debugs it or has meanwhile. */
export function createHangGuard(options: HangGuardOptions): (stall: Stall | undefined) => void {
  let acted: string | undefined;
  return (stall) => {
    const { after, action, signal } = options.hang;
    if (!stall || stall.id === acted || !isHung(stall, after) || options.debuggerAwayMs() < after) return;
    acted = stall.id;
    try {
      options.report(stall);
    } finally {
      if (action === 'kill') options.kill(signal);
    }
  };
}
