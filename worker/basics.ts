import type { Remote } from 'comlink';
import { COLLECTORS, type CollectorName } from '../src/shared/labels.js';
import { LEDGER, PROCESS_STATE, type ProcessState } from '../src/shared/layout.js';
import type { Host, SidecarData } from '../src/shared/protocol.js';
import { openReader } from '../src/shared/regions.js';
import { type Contain, createContain } from './contain.js';
import { openLedger, openTally, type ProcessLedger, type Tally } from './counters.js';
import { createSuspensions, type Suspensions } from './stalls/suspensions.js';
import { keptByDisk } from './system/own-calls.js';
import { openThread } from './system/thread.js';

/** What the sidecar does outside of itself. */
export interface Effects {
  readonly now: () => number;
  readonly host: Remote<Host>;
  /** Sends the process a signal. */
  readonly kill: (signal: NodeJS.Signals) => void;
  /** Ends the process where a signal does not. */
  readonly endByForce: () => void;
}

/** What all parts of the sidecar need. */
export interface Basics extends Effects {
  readonly ledger: ProcessLedger;
  readonly processState: () => ProcessState;
  readonly suspensions: Suspensions;
  readonly errors: Tally<CollectorName>;
  readonly contain: Contain;
  /** Tells of what the app survives, as a process warning. */
  readonly warn: (message: string) => void;
}

export function openBasics({ memory }: SidecarData, effects: Effects): Basics {
  const ledger = openLedger(LEDGER, memory.ledger);
  const errors = openTally(ledger, 'collectorErrors', COLLECTORS);
  return {
    ...effects,
    ledger,
    processState: openReader(PROCESS_STATE, memory.processState),
    suspensions: createSuspensions(openThread('/proc/thread-self').times, keptByDisk),
    errors,
    contain: createContain(errors),
    warn: (message) => void effects.host.warn(message).catch(() => {}),
  };
}
