import { threadId } from 'node:worker_threads';

let ids = 0;

/**
 * An id that no other watchdog or thread has, in this process or another one: processes start in the same
 * millisecond, threads and copies of this package count by themselves. `Math.random` is left to the app, which
 * may have seeded or mocked it.
 */
export function uniqueId(): string {
  const moment = process.hrtime.bigint().toString(36);
  return `${Date.now().toString(36)}t${threadId}m${moment}n${++ids}`;
}
