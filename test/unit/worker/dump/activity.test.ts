import { expect, it } from 'vitest';
import { activityOf } from '../../../../worker/dump/activity.js';

const task = (state: string, syscall?: string) => ({ state, syscall });

it.each([
  ['runs', task('R'), 'captured', 'running'],
  ['runs native code', task('R'), 'unanswered', 'running'],
  ['runs, and was not asked', task('R'), 'unasked', 'running'],
  ['waits for a disk', task('D', 'read'), 'captured', 'blocked'],
  ['waits for its events', task('S', 'epoll_pwait'), 'late', 'idle'],
  ['has woken since', task('S', 'epoll_wait'), 'captured', 'running'],
  ['waits in Atomics.wait', task('S', 'futex'), 'captured', 'parked'],
  ['waits for a lock of native code', task('S', 'futex'), 'unanswered', 'blocked'],
  ['waits for a child process', task('S', 'epoll_pwait'), 'unanswered', 'blocked'],
  ['waited for a file', task('S', 'read'), 'captured', 'blocked'],
  ['waits, and was not asked', task('S', 'epoll_pwait'), 'unasked', undefined],
  ['sleeps in what the system does not tell', task('S'), 'captured', undefined],
  ['is stopped', task('T'), 'captured', undefined],
  ['idles where the system tells nothing', undefined, 'late', 'idle'],
  ['is in JavaScript where the system tells nothing', undefined, 'captured', undefined],
] as const)('a thread that %s', (_, seen, result, activity) => {
  expect(activityOf(seen, { result })).toBe(activity);
});

it('a thread that answered only after native code was asleep in that', () => {
  expect(activityOf(task('S', 'epoll_pwait'), { result: 'captured', nativeMs: 200 })).toBe('blocked');
  expect(activityOf(task('S', 'futex'), { result: 'captured', nativeMs: 200 })).toBe('blocked');
});
