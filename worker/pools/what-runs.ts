import type { SlowTask, TaskName } from '../../src/shared/slow-task.js';
import type { Frame } from '../../src/shared/stall.js';
import { isOwn } from '../captures/culprit.js';

/** As Piscina calls it. */
const DEFAULT_EXPORT = 'default';

/**
 * File and function of a task: as main has told; of a default export, and of what main has not told, as the
 * stack tells.
 */
export function whatRuns(
  told: TaskName | undefined,
  frames: readonly Frame[],
): Pick<SlowTask, 'file' | 'function'> {
  if (told && told.name !== DEFAULT_EXPORT) return { file: told.file, function: told.name };
  const entered = entryOf(frames);
  if (told) return { file: told.file, function: entered?.function ?? told.name };
  return entered ? { file: entered.file, function: entered.function } : {};
}

/**
 * The function that Piscina has called: the outermost of the app's own, if something that is not Node.js has
 * called it. What goes on after an `await` was called by nobody, and who called the last frame of a stack
 * that is cut off is not in it.
 */
function entryOf(frames: readonly Frame[]): Frame | undefined {
  const at = frames.findLastIndex(isOwn);
  const callers = frames.slice(at + 1);
  return callers.some(({ internal }) => !internal) ? frames[at] : undefined;
}
