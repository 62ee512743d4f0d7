import type { CollectorName } from '../src/shared/labels.js';
import type { Tally } from './counters.js';

/** Runs a part of the sidecar: its fault is counted, costs that part, and gives `undefined`. */
export type Contain = <T>(name: CollectorName, part: () => T) => T | undefined;

export function createContain(errors: Tally<CollectorName>): Contain {
  return (name, part) => {
    try {
      return part();
    } catch {
      // Visible as watchdog_collector_errors_total.
      errors.add(name);
      return undefined;
    }
  };
}
