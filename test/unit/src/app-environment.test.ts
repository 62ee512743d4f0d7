import { expect, it } from 'vitest';
import { appEnvironment } from '../../../src/app-environment.js';

it('is that of the process, but where pm2 holds it back until its own program runs', () => {
  const env = { PATH: '/bin', WATCHDOG_PORT: '9464' };
  expect(appEnvironment(env)).toBe(env);
  const packed = {
    WATCHDOG_PORT: 9470,
    WATCHDOG_CAPTURE: false,
    NODE_APP_INSTANCE: 1,
    args: ['a'],
    gone: null,
  };
  expect(appEnvironment({ ...env, pm2_env: JSON.stringify(packed) })).toMatchObject({
    PATH: '/bin',
    WATCHDOG_PORT: '9470',
    WATCHDOG_CAPTURE: 'false',
    NODE_APP_INSTANCE: '1',
  });
});

it.each(['production', '', 'null', '"text"', '7'])(
  "a variable of that name which is not pm2's is let be: %s",
  (text) => {
    const env = { WATCHDOG_PORT: '9464', pm2_env: text };
    expect(appEnvironment(env).WATCHDOG_PORT).toBe('9464');
  },
);
