import { Registry } from 'prom-client';
import { describe, expect, it } from 'vitest';
import { checkVariables, optionsFromEnv } from '../../../../src/options/environment.js';
import { OPTIONS } from '../../../../src/options/options.js';
import { resolveOptions } from '../../../../src/options/resolve.js';
import { DELAY_BOUNDS_MS } from '../../../../src/shared/layout.js';
import type { WatchdogOptions } from '../../../../src/types.js';

describe('options', () => {
  it('have their documented defaults', () => {
    expect(resolveOptions(9464)).toEqual({
      port: 9464,
      host: undefined,
      heartbeatInterval: 100,
      stallThreshold: 100,
      delayBuckets: DELAY_BOUNDS_MS,
      capture: 200,
      sourceLines: true,
      context: true,
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
      processMetrics: true,
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
    [
      0,
      { delayBuckets: [100] },
      'The option "delayBuckets" must be an array of 2 to 40 numbers of milliseconds, but is an array (array).',
    ],
    [0, { delayBuckets: Array.from({ length: 41 }, (_, i) => i + 1) }, 'must be an array of 2 to 40 numbers'],
    [0, { delayBuckets: '1,2' }, 'but is "1,2" (string)'],
    [
      0,
      { delayBuckets: [1, 5, 5] },
      'The option "delayBuckets[2]" must be a finite number, above 0 and above the one before it, but is 5 (number).',
    ],
    [0, { delayBuckets: [0, 5] }, 'The option "delayBuckets[0]" must be a finite number, above 0'],
    [0, { delayBuckets: [1, Number.POSITIVE_INFINITY] }, '"delayBuckets[1]" must be a finite number'],
    [0, { delayBuckets: [1, '5'] }, 'but is "5" (string)'],
    [
      0,
      { capture: 7 },
      'The option "capture" must be true, false, or an object { after }, but is 7 (number).',
    ],
    [
      0,
      { capture: { after: 49 } },
      'The option "capture.after" must be a number of milliseconds, 50 or more, but is 49 (number).',
    ],
    [
      0,
      { capture: {} },
      'The option "capture.after" must be a number of milliseconds, 50 or more, but is undefined',
    ],
    [0, { capture: null }, 'but is null (null)'],
    [0, { context: 'id' }, 'The option "context" must be true, false or a function, but is "id" (string).'],
    [
      0,
      { log: 'xml' },
      'The option "log" must be "text", "json", false or a function, but is "xml" (string).',
    ],
    [0, { journal: '' }, 'The option "journal" must be the path of a file'],
    [
      0,
      { hang: 5000 },
      'The option "hang" must be an object { after, action, signal? }, but is 5000 (number).',
    ],
    [0, { hang: { after: 5000 } }, 'The option "hang.action" must be "report" or "kill", but is undefined'],
    [
      0,
      { hang: { after: 999, action: 'kill' } },
      'The option "hang.after" must be a number of milliseconds, 1000',
    ],
    [
      0,
      { hang: { after: 5000, action: 'kill', signal: 'SIGFOO' } },
      'The option "hang.signal" must be the name of a signal, but is "SIGFOO" (string).',
    ],
    [
      0,
      { hang: { after: 5000, sginal: 'SIGABRT' } },
      'There is no option "hang.sginal"; there are after, action, signal.',
    ],
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
    [
      0,
      { readiness: {} },
      'The option "readiness" must be an object { maxLag?, maxQueued?, recovery? } with at least one of the limits',
    ],
    [
      0,
      { readiness: { maxlag: 5 } },
      'There is no option "readiness.maxlag"; there are maxLag, maxQueued, recovery.',
    ],
    [
      0,
      { readiness: { maxLag: '5' } },
      'The option "readiness.maxLag" must be a number of milliseconds above 0',
    ],
    [
      0,
      { readiness: { maxQueued: -1 } },
      'The option "readiness.maxQueued" must be a number of tasks, 0 or more',
    ],
    [
      0,
      { readiness: { maxLag: 5, recovery: 60_001 } },
      '"readiness.recovery" must be a number of milliseconds, from 0',
    ],
    [0, { tokenFile: '' }, 'The option "tokenFile" must be the path of a file, but is "" (string).'],
    [
      0,
      { token: 'x'.repeat(32), tokenFile: '/a' },
      'The options "token" (WATCHDOG_TOKEN) and "tokenFile" (WATCHDOG_TOKEN_FILE) exclude each other.',
    ],
    [0, { guardMetrics: 1 }, 'The option "guardMetrics" must be true or false, but is 1 (number).'],
    [
      0,
      { guardMetrics: true },
      'The option "guardMetrics" (WATCHDOG_GUARD_METRICS) needs a "token" (WATCHDOG_TOKEN) or a "tokenFile" (WATCHDOG_TOKEN_FILE).',
    ],
    [0, { tls: '/k' }, 'The option "tls" must be an object { key, cert, ca? }, but is "/k" (string).'],
    [
      0,
      { tls: { key: '/k' } },
      'The option "tls.cert" must be the path of a PEM file, but is undefined (undefined).',
    ],
    [
      0,
      { tls: { key: '/k', cert: '/c', ca: '' } },
      'The option "tls.ca" must be the path of a PEM file, but is ""',
    ],
    [
      0,
      { tls: { key: '/k', cert: '/c', cacert: '/a' } },
      'There is no option "tls.cacert"; there are key, cert, ca.',
    ],
    [0, { capture: { after: 100, samples: 3 } }, 'There is no option "capture.samples"; there are after.'],
    [0, { allowedHosts: 'a' }, 'The option "allowedHosts" must be an array of host names'],
    [
      0,
      { allowedHosts: ['a', 'a b'] },
      'The option "allowedHosts[1]" must be a host name, but is "a b" (string).',
    ],
    [0, { labels: 'a=b' }, 'The option "labels" must be an object of at most 16 strings'],
    [0, { labels: { thread: 'x' } }, 'The option "labels" may not name a label "thread"'],
    [0, { labels: { 'a-b': 'x' } }, 'may not name a label "a-b": names match [a-zA-Z_][a-zA-Z0-9_]*'],
    [0, { labels: { a: 'x\u001b' } }, 'The option "labels.a" must be a string without control characters'],
    [
      0,
      { labels: { a: 1 } },
      'The option "labels.a" must be a string without control characters, but is 1 (number).',
    ],
    [
      0,
      { labels: { a: 'x'.repeat(1025) } },
      'The option "labels.a" must be a string of at most 1024 characters',
    ],
    [0, { labels: { ['a'.repeat(1025)]: 'x' } }, 'have at most 1024 characters'],
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

  it('may all be undefined, in objects too', () => {
    // The compiler checks it: `exactOptionalPropertyTypes` is on.
    const none = Object.fromEntries(Object.keys(OPTIONS).map((name) => [name, undefined])) as {
      [K in keyof WatchdogOptions]-?: undefined;
    };
    const given: WatchdogOptions = {
      ...none,
      hang: { after: 5000, action: 'kill', signal: undefined },
      readiness: { maxLag: 5, maxQueued: undefined, recovery: undefined },
      tls: { key: '/k', cert: '/c', ca: undefined },
    };
    expect(resolveOptions(0, given)).toMatchObject({
      hang: { after: 5000, action: 'kill', signal: 'SIGKILL' },
      readiness: { maxLag: 5, maxQueued: Number.POSITIVE_INFINITY, recovery: 5000 },
      tls: { key: '/k', cert: '/c', ca: undefined },
      heartbeatInterval: 100,
    });
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

  it('sets the port and every option that text can tell', () => {
    const told = Object.entries(OPTIONS).filter(([, { env }]) => env !== undefined);
    expect(told.map(([name]) => name)).toEqual([
      'host',
      'heartbeatInterval',
      'stallThreshold',
      'delayBuckets',
      'capture',
      'sourceLines',
      'context',
      'log',
      'journal',
      'hang',
      'livenessTimeout',
      'readiness',
      'token',
      'tokenFile',
      'guardMetrics',
      'perProcess',
      'labels',
      'processMetrics',
    ]);
    expect(
      read({
        WATCHDOG_PORT: '9000',
        WATCHDOG_HOST: '127.0.0.1',
        WATCHDOG_HEARTBEAT_INTERVAL: '50',
        WATCHDOG_STALL_THRESHOLD: '250',
        WATCHDOG_DELAY_BUCKETS: '0.5, 5,50',
        WATCHDOG_CAPTURE: 'false',
        WATCHDOG_SOURCE_LINES: 'false',
        WATCHDOG_CONTEXT: 'false',
        WATCHDOG_LOG: 'json',
        WATCHDOG_JOURNAL: '/tmp/7',
        WATCHDOG_HANG: 'after=120000, action=kill,signal=SIGABRT',
        WATCHDOG_LIVENESS_TIMEOUT: '5000',
        WATCHDOG_READINESS: 'maxLag=500,maxQueued=100',
        WATCHDOG_TOKEN: 'x'.repeat(32),
        WATCHDOG_TOKEN_FILE: '/run/token',
        WATCHDOG_GUARD_METRICS: 'true',
        WATCHDOG_PER_PROCESS: 'true',
        WATCHDOG_LABELS: 'app=shop, build=7,query=a=b,none=',
        WATCHDOG_PROCESS_METRICS: 'false',
      }),
    ).toEqual({
      port: 9000,
      options: {
        host: '127.0.0.1',
        heartbeatInterval: 50,
        stallThreshold: 250,
        delayBuckets: [0.5, 5, 50],
        capture: false,
        sourceLines: false,
        context: false,
        log: 'json',
        journal: '/tmp/7',
        hang: { after: 120_000, action: 'kill', signal: 'SIGABRT' },
        livenessTimeout: 5000,
        readiness: { maxLag: 500, maxQueued: 100 },
        token: 'x'.repeat(32),
        tokenFile: '/run/token',
        guardMetrics: true,
        perProcess: true,
        labels: { app: 'shop', build: '7', query: 'a=b', none: '' },
        processMetrics: false,
      },
      warnings: [],
    });
    expect(read({ WATCHDOG_CAPTURE: 'after=50' }).options).toEqual({ capture: { after: 50 } });
    expect(read({ WATCHDOG_HOST: '' })).toEqual({ port: 9464, options: {}, warnings: [] });
  });

  it('is told off, one warning a variable, and does not stop the app', () => {
    expect(
      read({ WATCHDOG_PORT: 'http', WATCHDOG_STALL_THRESHOLD: '5', WATCHDOG_HOST: '127.0.0.1' }),
    ).toEqual({
      port: 9464,
      options: { host: '127.0.0.1' },
      warnings: [
        'WATCHDOG_PORT must be an integer from 0 to 65535, but is "http". Using the default.',
        'WATCHDOG_STALL_THRESHOLD must be a number of milliseconds, 10 or more, but is "5". Using the default.',
      ],
    });
  });

  it.each([
    [
      'HANG',
      'after=5,action=report',
      ': The option "hang.after" must be a number of milliseconds, 1000 or more, but is 5 (number).',
    ],
    ['HANG', 'after=5000', ': The option "hang.action" must be "report" or "kill", but is undefined'],
    [
      'HANG',
      'after=5000,action=report,sginal=SIGABRT',
      ': There is no option "hang.sginal"; there are after',
    ],
    [
      'HANG',
      '120000',
      ' must be after and action, and signal if need be, as in after=120000,action=report, but is "120000"',
    ],
    ['CAPTURE', 'after=20', ': The option "capture.after" must be a number of milliseconds, 50 or more'],
    ['READINESS', 'maxLag=often', ': The option "readiness.maxLag" must be a number of milliseconds above 0'],
    [
      'READINESS',
      'recovery=5',
      ' must be maxLag or maxQueued or both, and recovery if need be, as in maxLag=',
    ],
    ['LABELS', 'app=shop,thread=x', ': The option "labels" may not name a label "thread"'],
    [
      'LABELS',
      'app',
      ' must be at most 16 names with values, each once, as in app=shop,zone=b, but is "app"',
    ],
    ['LABELS', 'app=shop,', ' must be at most 16 names with values'],
    ['LABELS', 'app=a,app=b', ' must be at most 16 names with values, each once'],
    ['LABELS', '__proto__=x', ': The option "labels" may not name a label "__proto__"'],
  ])('is told off once for what is wrong inside, down to the field: WATCHDOG_%s=%s', (name, text, fault) => {
    const { options, warnings } = read({ [`WATCHDOG_${name}`]: text });
    expect(options).toEqual({});
    expect(warnings).toEqual([expect.stringContaining(`WATCHDOG_${name}${fault}`)]);
    expect(warnings[0]).toMatch(/Using the default\.$/);
  });

  it('is told what a variable may hold, which is neither an object nor a function nor in quotes', () => {
    const variables = Object.values(OPTIONS).flatMap(({ env }) => env ?? []);
    // Empty for a path, too.
    const { warnings } = read(Object.fromEntries(variables.map((name) => [name, '\0'])));
    expect(warnings).toHaveLength(variables.length);
    for (const warning of warnings)
      expect(warning.split(', but is ')[0]).not.toMatch(/object|function|"|string|\{/);
    expect(read({ WATCHDOG_LOG: 'xml', WATCHDOG_CAPTURE: '{"after":100}' }).warnings).toEqual([
      'WATCHDOG_CAPTURE must be true, false, or when to begin, as in after=100, but is "{\\"after\\":100}". ' +
        'Using the default.',
      'WATCHDOG_LOG must be text, json or false, but is "xml". Using the default.',
    ]);
  });

  it('is told off for a variable that does not exist, with the nearest that does', () => {
    const warnings: string[] = [];
    const env = {
      WATCHDOG_STALL_TRESHOLD: '250',
      WATCHDOG_LOGS: 'secret',
      WATCHDOG_TOKEN: '',
      WATCHDOG_PORT: '1',
      // systemd's own.
      WATCHDOG_USEC: '30000000',
      WATCHDOG_PID: '1',
      MY_WATCHDOG_LOG: '1',
    };
    checkVariables(env, (message) => warnings.push(message));
    expect(warnings).toEqual([
      'There is no variable WATCHDOG_STALL_TRESHOLD; the nearest is WATCHDOG_STALL_THRESHOLD.',
      'There is no variable WATCHDOG_LOGS; the nearest is WATCHDOG_LOG.',
    ]);
  });
});
