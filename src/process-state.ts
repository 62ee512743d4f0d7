import { PROCESS_STATE } from './shared/layout.js';
import { locked, openWriter } from './shared/regions.js';
import { isInspectorOpen } from './sidecar/inspectable.js';

/** What main notes now and then of the process. */
export interface ProcessStateNotes {
  /** Where a debugger could attach. To be called now and then. */
  noteInspector(): void;
  /** Counts a sidecar that died. Returns how many have. */
  countRestart(): number;
}

export function openProcessState(memory: SharedArrayBuffer): ProcessStateNotes {
  const { at, values, sequence } = openWriter('main', PROCESS_STATE, memory);
  return {
    noteInspector() {
      const port = process.debugPort;
      const open = isInspectorOpen() ? 1 : 0;
      if (values[at.debugPort] === port && values[at.inspectorOpen] === open) return;
      locked(sequence, () => {
        values[at.debugPort] = port;
        values[at.inspectorOpen] = open;
      });
    },
    countRestart() {
      const restarts = (values[at.restarts] as number) + 1;
      locked(sequence, () => {
        values[at.restarts] = restarts;
      });
      return restarts;
    },
  };
}
