import { expect, it } from 'vitest';
import { createShedding } from '../../../../src/shedding/options.js';

it.each([
  [5, 'The options must be an object, but is 5 (number).'],
  [null, 'The options must be an object, but is null (null).'],
  [
    { maxlag: 5 },
    'There is no option "shedLoad.maxlag"; there are maxLag, maxQueued, retryAfter, except, watchdog.',
  ],
  [
    { maxLag: 0 },
    'The option "shedLoad.maxLag" must be a number of milliseconds above 0, but is 0 (number).',
  ],
  [{ maxLag: '150' }, 'but is "150" (string)'],
  [{ maxQueued: -1 }, 'The option "shedLoad.maxQueued" must be a number of tasks, 0 or more'],
  [
    { retryAfter: 86_400_001 },
    '"shedLoad.retryAfter" must be a number of milliseconds, from 0 to 86400000, but is 86400001 (number).',
  ],
  [{ except: '/healthz' }, 'The option "shedLoad.except" must be a function, but is "/healthz" (string).'],
  [
    { watchdog: {} },
    'The option "shedLoad.watchdog" must be a watchdog (an object with a pressure() method), but is an object',
  ],
  [{ prefix: '/api' }, 'There is no option "shedLoad.prefix"'],
])('shedLoad(%j) is refused with its reason', (options, message) => {
  expect(() => createShedding(options)).toThrow(
    expect.objectContaining({
      code: 'ERR_WATCHDOG_INVALID_OPTION',
      message: expect.stringContaining(message),
    }),
  );
});

it('clients are told to come again in whole seconds, later rather than sooner', () => {
  expect(createShedding({}).retryAfter).toBe('2');
  expect(createShedding({ retryAfter: 1001 }).retryAfter).toBe('2');
  expect(createShedding({ retryAfter: 0 }).retryAfter).toBe('0');
});
