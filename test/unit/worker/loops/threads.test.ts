import { once } from 'node:events';
import { BroadcastChannel } from 'node:worker_threads';
import { expect, it } from 'vitest';
import { type SidecarMessage, THREADS_CHANNEL } from '../../../../src/shared/protocol.js';
import { openThreads } from '../../../../worker/loops/threads.js';

/** What the sidecar says to a thread of any version of this package, which says this. */
async function answerTo(message: object): Promise<SidecarMessage> {
  const threads = openThreads({
    watchdogId: 'w',
    heartbeatInterval: 100,
    stallThreshold: 100,
    delayBuckets: [50, 200],
    now: () => 0,
    watch: () => {
      throw new Error('not to be watched');
    },
  });
  const channel = new BroadcastChannel(THREADS_CHANNEL);
  try {
    const answer = once(channel as unknown as EventTarget, 'message');
    channel.postMessage(message);
    const [{ data }] = (await answer) as [{ data: SidecarMessage }];
    return data;
  } finally {
    channel.close();
    threads.close();
  }
}

it.each([
  ['a\nb'],
  ['a\u001b[31m'],
  ['a\u009b'],
  ['a\u202e'],
  ['a\ud800'],
  [''],
  ['x'.repeat(65)],
  [undefined],
])('a thread cannot be called %j', async (name) => {
  const join = { watchdog: 'w', task: undefined, memory: undefined, resourceTypes: [] };
  for (const message of [{ type: 'ask' }, { type: 'join', ...join }]) {
    expect(await answerTo({ ...message, thread: 't', name })).toMatchObject({
      type: 'refused',
      thread: 't',
      code: 'ERR_WATCHDOG_UNWATCHABLE_THREAD',
      message: "A thread's name must be a string of 1 to 64 characters, without control characters.",
    });
  }
});
