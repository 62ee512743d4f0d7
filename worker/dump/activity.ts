import type { ThreadActivity } from '../../src/shared/thread-dump.js';
import type { SeenThread } from '../inspector/messages.js';
import type { Task } from '../system/tasks.js';

/** Calls in which an event loop waits for its events; a sync child process is waited for in the same ones. */
const POLLS = new Set(['epoll_wait', 'epoll_pwait']);
/** A wait for another thread. */
export const LOCK = 'futex';

/**
 * What a thread does, by what the system said of it when the dump began and what it answered.
 *
 * | system | answered from JavaScript | answered from outside of it | asked, no answer | not asked |
 * |---|---|---|---|---|
 * | runnable | running | running | running (native code) | running |
 * | asleep on a disk | blocked | blocked | blocked | blocked |
 * | asleep on a lock | parked: `Atomics.wait` answers, no other lock does | idle | blocked | |
 * | asleep in the loop's poll | running: it has woken since; after native code blocked | idle | blocked | |
 * | asleep in another call | blocked | idle | blocked | |
 * | says nothing | | idle | | |
 *
 * @returns `undefined` where nobody can tell
 */
export function activityOf(
  task: Pick<Task, 'state' | 'syscall'> | undefined,
  { result, nativeMs }: Pick<SeenThread, 'result' | 'nativeMs'>,
): ThreadActivity | undefined {
  if (task?.state === 'R') return 'running';
  if (task?.state === 'D') return 'blocked';
  if (result === 'late') return 'idle';
  if (task?.state !== 'S' || result === 'unasked') return undefined;
  if (result === 'unanswered') return 'blocked';
  return asleepInJavaScript(task.syscall, nativeMs !== undefined);
}

function asleepInJavaScript(syscall: string | undefined, native: boolean): ThreadActivity | undefined {
  // It is in none by now, or the system does not tell.
  if (syscall === undefined) return undefined;
  if (syscall === LOCK) return native ? 'blocked' : 'parked';
  return POLLS.has(syscall) && !native ? 'running' : 'blocked';
}
