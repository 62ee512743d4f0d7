import { taskOf } from '../system/tasks.js';
import { isTermination } from './context.js';
import { giveBack } from './look.js';
import type { Conversation } from './workers.js';

/**
 * Evaluated by a thread: its own number in the system, which nobody else can tell. Only by Node.js' own
 * function: one that the app has put in its place is the app's code.
 */
const TASK = `(({ readlinkSync }) =>
  /\\bbinding\\.readlink\\(/.test(readlinkSync) && readlinkSync('/proc/thread-self')
)(process.getBuiltinModule('node:fs'))
//# sourceURL=event-loop-watchdog:task`;

/** The tid of a thread; `undefined` where it cannot be told. */
export async function askTask(
  conversation: Conversation,
  currentTurn: () => number,
): Promise<number | undefined> {
  if (process.platform !== 'linux') return undefined;
  const said = await new Promise((resolve) => {
    conversation.post('Runtime.evaluate', { expression: TASK, silent: true }, (error, answer) =>
      resolve(error ?? answer.result.value),
    );
  });
  if (!(said instanceof Error)) return taskOf(said);
  if (isTermination(said)) await giveBack(conversation, currentTurn);
  return undefined;
}
