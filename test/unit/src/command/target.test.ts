import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { targetOf } from '../../../../src/command/target.js';
import { readToken } from '../../../../src/command/token.js';
import { makeHome } from '../../../support/home.js';

describe('whom to ask', () => {
  it.each([
    [undefined, 'http://127.0.0.1:9464'],
    ['9465', 'http://127.0.0.1:9465'],
    ['localhost', 'http://localhost:9464'],
    ['shop-1:9465', 'http://shop-1:9465'],
    [':9465', 'http://127.0.0.1:9465'],
    ['shop-1:80', 'http://shop-1'],
    ['10.0.0.7', 'http://10.0.0.7:9464'],
    ['[::1]', 'http://[::1]:9464'],
    ['[::1]:9465', 'http://[::1]:9465'],
    ['https://shop-1:9465', 'https://shop-1:9465'],
    ['https://shop-1', 'https://shop-1'],
    // As a line of the log has it.
    ['http://127.0.0.1:9465/metrics', 'http://127.0.0.1:9465'],
  ])('%s is %s', (text, origin) => {
    expect(targetOf(text, {}).origin).toBe(origin);
  });

  it('is on the port of the environment, if that says one', () => {
    expect(targetOf(undefined, { WATCHDOG_PORT: '9470' }).port).toBe('9470');
    expect(targetOf('shop-1', { WATCHDOG_PORT: '9470' }).port).toBe('9470');
    expect(targetOf('9465', { WATCHDOG_PORT: '9470' }).port).toBe('9465');
    expect(() => targetOf(undefined, { WATCHDOG_PORT: '0' })).toThrow('WATCHDOG_PORT is "0": name the port');
  });

  it.each([
    '',
    '0',
    '65536',
    'ftp://shop-1',
    'shop-1/metrics',
    'a@b',
    '::1',
    'http://',
    'shop-1:port',
    'shop:0',
  ])('is not %s', (text) => {
    expect(() => targetOf(text, {})).toThrow(
      expect.objectContaining({
        message: `What to ask must be a port from 1 to 65535, host:port, or an http(s) URL, but is "${text}".`,
        exitCode: 2,
      }),
    );
  });

  it('has no password in it, and the error does not repeat it', () => {
    expect(() => targetOf('http://me:secret@shop-1', {})).toThrow(
      /^The URL has a password in it\.(?!.*secret)/,
    );
  });
});

describe('the token', () => {
  const TOKEN = 'an-example-secret-of-enough-characters';

  it('is of the file that was named, else of the variables', () => {
    const file = join(makeHome(), 'token');
    writeFileSync(file, `${TOKEN}-of-file\n`);
    const env = { WATCHDOG_TOKEN: TOKEN };
    expect(readToken(file, env).value).toBe(`${TOKEN}-of-file`);
    expect(readToken(undefined, env).value).toBe(TOKEN);
    expect(readToken(undefined, { WATCHDOG_TOKEN_FILE: file }).value).toBe(`${TOKEN}-of-file`);
    expect(readToken(undefined, {})).toEqual({ value: undefined, trouble: undefined });
  });

  it('that was named must be there, and be one', () => {
    const file = join(makeHome(), 'token');
    expect(() => readToken(file, {})).toThrow(expect.objectContaining({ exitCode: 2 }));
    writeFileSync(file, 'short');
    expect(() => readToken(file, {})).toThrow(/32 printable ASCII characters or more(?!.*short)/);
  });

  it('of a variable may be unusable: on the host of the app none is needed', () => {
    const { value, trouble } = readToken(undefined, { WATCHDOG_TOKEN_FILE: '/nowhere' });
    expect(value).toBeUndefined();
    expect(trouble).toContain('/nowhere cannot be read');
    expect(readToken(undefined, { WATCHDOG_TOKEN: 'short' }).trouble).not.toContain('short');
  });
});
