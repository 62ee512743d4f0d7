import type { HangOptions } from '../../src/shared/protocol.js';
import type { Stall } from '../../src/shared/stall.js';

export interface HangGuardOptions {
  readonly hang: HangOptions;
  /** For how long no debugger has been attached, in milliseconds; 0: one is. */
  readonly debuggerAwayMs: () => number;
  /** Writes the full report where it survives the process. */
  readonly report: (stall: Stall) => Promise<void>;
  /** The report has failed. */
  readonly onFault: () => void;
  /** Sends the process a signal. */
  readonly kill: (signal: NodeJS.Signals) => void;
  /** Ends the process, which the signal has not. */
  readonly endByForce: () => void;
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

/** The report need not be waited for any longer. */
const REPORT_MS = 3000;
/** A signal that ends the process has done so by then: the app may listen for it, and its loop is frozen. */
const SIGNAL_MS = 1000;

/**
 * Acts once a stall, when the loop has hung for `after`, unless somebody debugs it or has meanwhile. It ends
 * the process when the report is written, unless the loop has come back by then.
 */
export function createHangGuard(options: HangGuardOptions): (stall: Stall | undefined) => void {
  const { hang, debuggerAwayMs, report, onFault, kill, endByForce } = options;
  let acted: string | undefined;
  let current: string | undefined;

  function act(stall: Stall): void {
    let ended = false;
    const hangs = (): boolean => current === stall.id && debuggerAwayMs() > 0;
    const end = (): void => {
      clearTimeout(late);
      if (ended || hang.action !== 'kill' || !hangs()) return;
      ended = true;
      setTimeout(() => hangs() && endByForce(), SIGNAL_MS);
      kill(hang.signal);
    };
    const late = setTimeout(end, REPORT_MS);
    report(stall).catch(onFault).finally(end);
  }

  return (stall) => {
    current = stall?.id;
    if (!stall || stall.id === acted || !isHung(stall, hang.after) || debuggerAwayMs() < hang.after) return;
    acted = stall.id;
    act(stall);
  };
}
