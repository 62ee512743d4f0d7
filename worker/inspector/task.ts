import { taskOf } from '../system/tasks.js';
import { threadIds } from '../system/thread.js';
import { type Conversation, evaluate, REFUSED, TERMINATED } from './conversation.js';
import { giveBack } from './look.js';

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
  const before = threadIds();
  const said = await evaluate(conversation, { expression: TASK });
  if (said === TERMINATED) await giveBack(conversation, currentTurn, before);
  return said === TERMINATED || said === REFUSED ? undefined : taskOf(said.result.value);
}
