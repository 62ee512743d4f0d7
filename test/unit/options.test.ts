import { Registry } from 'prom-client';
import { describe, expect, it } from 'vitest';
import { OPTIONS, optionsFromEnv, resolveOptions } from '../../src/options.js';

describe('options', () => {
  it('have their documented defaults', () => {
    expect(resolveOptions(9464)).toEqual({
      port: 9464,
      host: undefined,
      heartbeatInterval: 100,
      stallThreshold: 100,
      capture: 200,
      sourceLines: true,
      log: 'text',
      journal: undefined,
      hang: undefined,
      livenessTimeout: 60_000,
      readiness: undefined,
      token: undefined,
      tokenFile: undefined,
      guardMetrics: false,
      allowedHosts: [],
      tls: undefined,
      perProcess: false,
      labels: {},
      registry: undefined,
    });
  });

  it('take what they should', () => {
    const registry = new Registry();
    expect(resolveOptions(0, { host: 'localhost', registry, labels: { app: 'shop' } })).toMatchObject({
      host: '127.0.0.1',
      registry,
      labels: { app: 'shop' },
    });
    expect(resolveOptions(65535, { host: '::1', stallThreshold: 10, heartbeatInterval: 20 })).toMatchObject({
      host: '::1',
    });
  });

  it.each([
    ['9464', {}, 'The port must be an integer from 0 to 65535, but is "9464" (string).'],
    [65536, {}, 'The port must be an integer from 0 to 65535, but is 65536 (number).'],
    [1.5, {}, 'but is 1.5 (number)'],
    [Number.NaN, {}, 'but is NaN (number)'],
    [undefined, {}, 'but is undefined (undefined)'],
    [0, null, 'The options must be an object, but is null (null).'],
    [0, [], 'but is an array (array)'],
    [0, { stalThreshold: 5 }, 'There is no option "stalThreshold"; there are host, heartbeatInterval'],
    [
      0,
      { host: 'example.com' },
      'The option "host" must be an IP address or "localhost", but is "example.com" (string).',
    ],
    [0, { host: 7 }, 'but is 7 (number)'],
    [
      0,
      { heartbeatInterval: 19 },
      'The option "heartbeatInterval" must be a number of milliseconds, from 20 to 1000, but is 19 (number).',
    ],
    [0, { heartbeatInterval: '100' }, 'but is "100" (string)'],
    [0, { stallThreshold: 9 }, 'The option "stallThreshold" must be a number of milliseconds, 10 or more'],
    [0, { stallThreshold: Number.POSITIVE_INFINITY }, 'but is Infinity (number)'],
    [0, { capture: { after: 49 } }, 'The option "capture" must be true, false, or an object { after }'],
    [0, { capture: null }, 'but is null (null)'],
    [
      0,
      { log: 'xml' },
      'The option "log" must be "text", "json", false or a function, but is "xml" (string).',
    ],
    [0, { journal: '' }, 'The option "journal" must be the path of a file'],
    [0, { hang: { after: 5000 } }, 'The option "hang" must be an object { after, action, signal? }'],
    [0, { hang: { after: 999, action: 'kill' } }, '1000 or more'],
    [0, { hang: { after: 5000, action: 'kill', signal: 'SIGFOO' } }, 'the name of a signal'],
    [
      0,
      { token: 'short' },
      'a string of 32 printable ASCII characters or more, without spaces, but is something else (string).',
    ],
    [
      0,
      { livenessTimeout: 999 },
      'The option "livenessTimeout" must be a number of milliseconds, 1000 or more',
    ],
    [0, { readiness: {} }, 'The option "readiness" must be an object { maxLag?, maxQueued?, recovery? }'],
    [0, { readiness: { maxlag: 5 } }, 'at least one of the limits, but is an object (object).'],
    [0, { readiness: { maxLag: '5' } }, 'but is an object (object)'],
    [0, { readiness: { maxLag: 5, recovery: 60_001 } }, 'milliseconds up to 60000'],
    [0, { tokenFile: '' }, 'The option "tokenFile" must be the path of a file, but is "" (string).'],
    [
      0,
      { token: 'x'.repeat(32), tokenFile: '/a' },
      'The options "token" and "tokenFile" exclude each other.',
    ],
    [0, { guardMetrics: 1 }, 'The option "guardMetrics" must be true or false, but is 1 (number).'],
    [0, { guardMetrics: true }, 'The option "guardMetrics" needs a "token" or a "tokenFile".'],
    [
      0,
      { tls: { key: '/k' } },
      'The option "tls" must be an object { key, cert, ca? } with paths of PEM files',
    ],
    [0, { tls: { key: '/k', cert: '/c', cacert: '/a' } }, 'but is an object (object)'],
    [0, { capture: { after: 100, samples: 3 } }, 'but is an object (object)'],
    [0, { allowedHosts: ['a b'] }, 'The option "allowedHosts" must be an array of host names'],
    [0, { labels: { thread: 'x' } }, 'The option "labels" must be an object of at most 16 strings'],
    [0, { labels: { 'a-b': 'x' } }, 'names match [a-zA-Z_][a-zA-Z0-9_]*'],
    [0, { labels: { a: 'x\u001b' } }, 'strings without control characters'],
    [0, { labels: { a: 1 } }, 'but is an object (object)'],
    [0, { labels: Object.fromEntries(Array.from({ length: 17 }, (_, i) => [`l${i}`, 'x'])) }, 'at most 16'],
    [0, { registry: {} }, 'The option "registry" must be a registry of prom-client'],
    [0, { registry: null }, 'but is null (null)'],
  ])('startWatchdog(%j, %j) is refused with its reason', (port, options, message) => {
    expect(() => resolveOptions(port, options)).toThrow(
      expect.objectContaining({
        code: 'ERR_WATCHDOG_INVALID_OPTION',
        message: expect.stringContaining(message),
      }),
    );
  });

  it('are read as own properties only', () => {
    const polluted = Object.create({ host: 'evil', heartbeatInterval: 1 });
    expect(resolveOptions(0, polluted)).toMatchObject({ host: undefined, heartbeatInterval: 100 });
  });
});

it('a secret is never shown', () => {
  const token = 'hunter2 hunter2 hunter2 hunter2 hunter2';
  expect(() => resolveOptions(0, { token })).toThrow(
    expect.not.objectContaining({ message: expect.stringContaining('hunter2') }),
  );
  optionsFromEnv({ WATCHDOG_TOKEN: token }, (message) => expect(message).not.toContain('hunter2'));
  expect.assertions(2);
});

describe('the environment', () => {
  const read = (env: Record<string, string>) => {
    const warnings: string[] = [];
    return { ...optionsFromEnv(env, (message) => warnings.push(message)), warnings };
  };

  it('sets the port and every scalar option', () => {
    const scalars = Object.entries(OPTIONS).filter(([, { env }]) => env !== undefined);
    expect(scalars.map(([name]) => name)).toEqual([
      'host',
      'heartbeatInterval',
      'stallThreshold',
      'capture',
      'sourceLines',
      'log',
      'journal',
      'livenessTimeout',
      'token',
      'tokenFile',
      'guardMetrics',
      'perProcess',
    ]);
    expect(
      read({
        WATCHDOG_PORT: '9000',
        WATCHDOG_HOST: '127.0.0.1',
        WATCHDOG_HEARTBEAT_INTERVAL: '50',
        WATCHDOG_STALL_THRESHOLD: '250',
        WATCHDOG_CAPTURE: 'false',
        WATCHDOG_SOURCE_LINES: 'false',
        WATCHDOG_LOG: 'json',
        WATCHDOG_JOURNAL: '/tmp/7',
        WATCHDOG_LIVENESS_TIMEOUT: '5000',
        WATCHDOG_TOKEN: 'x'.repeat(32),
        WATCHDOG_TOKEN_FILE: '/run/token',
        WATCHDOG_GUARD_METRICS: 'true',
        WATCHDOG_PER_PROCESS: 'true',
      }),
    ).toEqual({
      port: 9000,
      options: {
        host: '127.0.0.1',
        heartbeatInterval: 50,
        stallThreshold: 250,
        capture: false,
        sourceLines: false,
        log: 'json',
        journal: '/tmp/7',
        livenessTimeout: 5000,
        token: 'x'.repeat(32),
        tokenFile: '/run/token',
        guardMetrics: true,
        perProcess: true,
      },
      warnings: [],
    });
    expect(read({ WATCHDOG_HOST: '' })).toEqual({ port: 9464, options: {}, warnings: [] });
  });

  it('is told off, one warning a variable, and does not stop the app', () => {
    expect(
      read({ WATCHDOG_PORT: 'http', WATCHDOG_STALL_THRESHOLD: '5', WATCHDOG_HOST: '127.0.0.1' }),
    ).toEqual({
      port: 9464,
      options: { host: '127.0.0.1' },
      warnings: [
        'WATCHDOG_PORT must be an integer from 0 to 65535, but is "http"; using the default.',
        'WATCHDOG_STALL_THRESHOLD must be a number of milliseconds, 10 or more, but is "5"; using the default.',
      ],
    });
  });
});
