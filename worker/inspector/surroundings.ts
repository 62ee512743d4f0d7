import { now } from '../../src/shared/clock.js';
import { LOOP_STATS } from '../../src/shared/layout.js';
import { openReader } from '../../src/shared/regions.js';
import { openThread, type ThreadReader } from '../system/thread.js';
import { createAbsence, TICK_MS } from './absence.js';
import type { Target } from './messages.js';
import type { StackOptions } from './stack.js';

/** What a look at a thread needs to know besides. */
export type LookOptions = Pick<
  StackOptions,
  'currentTurn' | 'now' | 'awayMs' | 'waitedMs' | 'files' | 'context'
>;

const self = openThread('/proc/thread-self');

/** Follows what may keep threads from their answers, while `work` goes on. */
export async function inSurroundings<T>(
  settings: Pick<StackOptions, 'files' | 'context'>,
  work: (optionsOf: (target: Target) => LookOptions) => Promise<T>,
): Promise<T> {
  const waitedMs = (): number => runQueueOf(self);
  const absence = createAbsence(now, waitedMs);
  const ticks = setInterval(absence.tick, TICK_MS);
  try {
    return await work((target) => {
      const thread = target.taskDirectory === undefined ? undefined : openThread(target.taskDirectory);
      const awayMs = (): number => (thread ? runQueueOf(thread) : 0) + absence.ms();
      return { currentTurn: turnsOf(target), now, awayMs, waitedMs, ...settings };
    });
  } finally {
    clearInterval(ticks);
  }
}

const runQueueOf = (thread: ThreadReader): number => thread.times()?.runQueueMs ?? 0;

/** Milliseconds for which this thread was on a CPU. */
export const ownCpuMs = (): number => self.times()?.cpuMs ?? 0;

/** Counts the turns of a thread's loop; always the same of one that is not under watch. */
export function turnsOf({ loop }: Target): () => number {
  if (!loop) return () => 0;
  const read = openReader(LOOP_STATS, loop);
  return () => read().turns;
}
