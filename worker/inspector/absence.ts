/** How often a tick is meant to come. */
export const TICK_MS = 5;
/** A timer is late by so much without a reason. */
const SLACK_MS = 10;

/** For how long this thread was not there, though it wanted no CPU: the whole process was stopped. */
export interface Absence {
  /** Call it every `TICK_MS` milliseconds. */
  tick(): void;
  /** Milliseconds since it was made. */
  ms(): number;
}

/** @param waitedMs for how long this thread has waited for a CPU: it was late for that, and nobody else */
export function createAbsence(now: () => number, waitedMs: () => number): Absence {
  let total = 0;
  let lastMs = now();
  let lastWaitedMs = waitedMs();
  const since = (): number => {
    const lateMs = now() - lastMs - TICK_MS;
    return lateMs < SLACK_MS ? 0 : Math.max(0, lateMs - (waitedMs() - lastWaitedMs));
  };
  return {
    tick() {
      total += since();
      lastMs = now();
      lastWaitedMs = waitedMs();
    },
    ms: () => total + since(),
  };
}
