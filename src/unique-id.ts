import { threadId } from 'node:worker_threads';

/** So many random digits: 41 bits. */
const DIGITS = 8;

/**
 * An id that no other watchdog or thread has, in this process or another one: processes start in the same
 * millisecond, threads and copies of this package count by themselves.
 */
export function uniqueId(): string {
  const random = Math.random()
    .toString(36)
    .slice(2, 2 + DIGITS)
    .padEnd(DIGITS, '0');
  return `${Date.now().toString(36)}t${threadId}r${random}`;
}
