import { EventEmitter } from 'node:events';
import { describe, expect, it } from 'vitest';
import { createEvents } from '../../../src/events.js';
import { pauseDuring } from '../../../src/loop/long-work.js';
import { createPools } from '../../../src/pools/pools.js';
import { POOLS_MAX, PROCESS_STATE } from '../../../src/shared/layout.js';
import { allocate } from '../../../src/shared/regions.js';
import { watchThread } from '../../../src/watch-thread.js';

const sampler = () => ({ capacity: 1, active: 0, queued: 0 });
const newPools = () =>
  createPools({ processState: allocate(PROCESS_STATE), clock: () => 1, onEntry() {}, onRemove() {} });
const fault = (call: () => unknown): { code: unknown; message: unknown } => {
  try {
    call();
  } catch (error) {
    const { name, code, message } = error as { name: string; code: string; message: string };
    expect(name).toBe('WatchdogError');
    return { code, message };
  }
  return { code: undefined, message: undefined };
};

describe('watchPool', () => {
  const KINDS =
    'watchPool takes (piscina, name) with a Piscina pool of version 4 or 5, ' +
    'or (name, sampler) with a function';
  const NAME = "A pool's name must be a string of 1 to 64 characters, without control characters";
  it.each<[unknown, unknown, string]>([
    ['images', undefined, `${KINDS}, but was given (string, undefined).`],
    ['images', {}, 'but was given (string, object).'],
    [sampler, 'images', 'but was given (function, string).'],
    [null, 'images', 'but was given (null, string).'],
    [{}, 'images', 'but was given (object, string).'],
    [new EventEmitter(), 'images', 'but was given (object, string).'],
    [undefined, undefined, 'but was given (undefined, undefined).'],
    ['', sampler, `${NAME}, but is "" (string).`],
    ['a\u001b[31m', sampler, `${NAME}, but is "a\\u001b[31m" (string).`],
    ['a\u009b', sampler, `${NAME}, but is "a\\u009b" (string).`],
    ['a\nb', sampler, `${NAME}, but is "a\\nb" (string).`],
    // In UTF-8 all of them are the same, and Prometheus refuses a scrape that has a series twice.
    ['a\ud800', sampler, `${NAME}, but is "a\\ud800" (string).`],
    ['x'.repeat(65), sampler, `${NAME}, but is "${'x'.repeat(64)}…" (string).`],
  ])('(%s, %s)', (first, second, message) => {
    const pools = newPools();
    expect(fault(() => pools.watch(first as string, second as typeof sampler))).toEqual({
      code: 'ERR_WATCHDOG_INVALID_ARGUMENT',
      message: expect.stringContaining(message),
    });
    expect(pools.entries()).toEqual([]);
  });

  const piscina = Object.assign(new EventEmitter(), {
    queueSize: 0,
    completed: 0,
    threads: [],
    options: { maxThreads: 1, concurrentTasksPerWorker: 1, maxQueue: 1 },
  });
  it.each<[unknown, string, string]>([
    [
      { slowTask: 99 },
      'OPTION',
      'The option "watchPool.slowTask" must be a number of milliseconds, 100 or more, but is 99 (number).',
    ],
    [{ slowTask: '1s' }, 'OPTION', '100 or more, but is "1s" (string).'],
    [{ slow: 100 }, 'OPTION', 'There is no option "watchPool.slow"; there are slowTask.'],
    [1000, 'ARGUMENT', 'The settings of watchPool must be an object, but are 1000 (number).'],
  ])('with %o', (settings, code, message) => {
    const pools = newPools();
    expect(fault(() => pools.watch(piscina, 'images', settings as object))).toEqual({
      code: `ERR_WATCHDOG_INVALID_${code}`,
      message: expect.stringContaining(message),
    });
    expect(pools.entries()).toEqual([]);
  });

  it('has no slow tasks where there are no threads to look at', () => {
    const pools = newPools();
    expect(fault(() => pools.watch('pg', sampler, { slowTask: 1000 }))).toEqual({
      code: 'ERR_WATCHDOG_INVALID_ARGUMENT',
      message:
        '"slowTask" is for Piscina pools: one that a sampler reads has no threads that could be looked at.',
    });
    pools.watch('pg', sampler, {});
    pools.watch(piscina, 'images', { slowTask: 1000 });
    expect(pools.entries().map(({ slow }) => slow?.afterMs)).toEqual([undefined, 1000]);
  });

  it('takes a name once at a time, and 32 of them', () => {
    const pools = newPools();
    const unwatch = pools.watch('a', sampler);
    expect(fault(() => pools.watch('a', sampler))).toEqual({
      code: 'ERR_WATCHDOG_DUPLICATE_POOL',
      message: 'A pool named "a" is watched already; names must be unique.',
    });
    unwatch();
    unwatch();
    for (let n = 0; n < POOLS_MAX; n++) pools.watch(`${n}`, sampler);
    expect(fault(() => pools.watch('a', sampler))).toEqual({
      code: 'ERR_WATCHDOG_TOO_MANY_POOLS',
      message: 'At most 32 pools can be watched; "a" would be one more.',
    });
    expect(pools.entries()).toHaveLength(POOLS_MAX);
  });
});

describe('on', () => {
  it.each<[unknown, unknown, string]>([
    ['stal', () => {}, 'There is no event "stal"; there are "stall", "slowTask".'],
    [undefined, () => {}, 'There is no event undefined; there are "stall", "slowTask".'],
    ['stall', undefined, 'A listener must be a function, but is undefined (undefined).'],
    ['stall', {}, 'A listener must be a function, but is an object (object).'],
  ])('(%s, %s)', (event, listener, message) => {
    const events = createEvents(undefined);
    for (const method of ['on', 'once', 'off'] as const) {
      const call = () => events[method](event as 'stall', listener as () => void);
      expect(fault(call)).toEqual({ code: 'ERR_WATCHDOG_INVALID_ARGUMENT', message });
    }
  });
});

it.each([
  [undefined, 'pause() takes a function, but was given undefined (undefined).'],
  [Promise.resolve(), 'pause() takes a function, but was given an object (object).'],
])('pause(%s)', (work, message) => {
  let depth = 0;
  const meter = { enterPause: () => depth++, leavePause: () => depth-- };
  expect(fault(() => pauseDuring(work as never, meter))).toEqual({
    code: 'ERR_WATCHDOG_INVALID_ARGUMENT',
    message,
  });
  expect(depth).toBe(0);
});

it('pause() ends when what it runs throws or rejects', async () => {
  let depth = 0;
  const meter = { enterPause: () => depth++, leavePause: () => depth-- };
  const failing = () => {
    expect(depth).toBe(1);
    throw new Error('work');
  };
  expect(() => pauseDuring(failing, meter)).toThrow('work');
  await expect(pauseDuring(async () => failing(), meter)).rejects.toThrow('work');
  expect(depth).toBe(0);
});

describe('watchThread', () => {
  it('is not for the main thread', () => {
    expect(fault(() => watchThread('main'))).toEqual({
      code: 'ERR_WATCHDOG_INVALID_ARGUMENT',
      message: 'watchThread() is for worker threads; the main thread is watched by startWatchdog().',
    });
  });
});
