import { execFileSync } from 'node:child_process';
import { connect } from 'node:net';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { killChildren, startApp, startChild } from '../support/child.js';
import { eventually } from '../support/eventually.js';
import { promtool, SKIP_PROMTOOL } from '../support/promtool.js';
import { scrape } from '../support/scrape.js';

let url: string;
beforeAll(async () => {
  const app = startChild('app.mjs', {
    args: [JSON.stringify({ host: '127.0.0.1', labels: { app: 'shop' } }), '--a-secret-flag'],
    env: { DATABASE_PASSWORD: 'a-secret-of-the-app' },
  });
  ({ url } = await app.message<{ url: string }>('ready'));
});
afterAll(killChildren);

it('GET /metrics has the type that Prometheus expects, HEAD the same headers and no body', async () => {
  // What there is not: never 406.
  const accept = { accept: 'application/json' };
  const get = await fetch(`${url}/metrics`, { headers: accept });
  const head = await fetch(`${url}/metrics`, { method: 'HEAD', headers: accept });
  for (const response of [get, head]) {
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
    expect(response.headers.get('cache-control')).toBe('no-store');
  }
  expect(await get.text()).toMatch(/^# HELP watchdog_/);
  expect(await head.text()).toBe('');
});

it('compresses when asked, and only then', async () => {
  const curl = (...args: string[]) => execFileSync('curl', ['-s', '-i', ...args, `${url}/metrics`]);
  const zipped = curl('-H', 'Accept-Encoding: gzip;q=0.5, deflate');
  const bodyAt = zipped.indexOf('\r\n\r\n') + 4;
  expect(zipped.subarray(0, bodyAt).toString()).toMatch(/content-encoding: gzip/i);
  expect(gunzipSync(zipped.subarray(bodyAt)).toString()).toContain('watchdog_build_info');
  expect(curl().toString()).not.toMatch(/content-encoding/i);
  expect(curl('-H', 'Accept-Encoding: gzip;q=0').toString()).not.toMatch(/content-encoding/i);
});

it.each([
  ['GET', '/nothing', 404, null],
  ['GET', '/constructor', 404, null],
  ['DELETE', '/metrics', 405, 'GET, HEAD'],
  ['POST', '/healthz', 405, 'GET, HEAD'],
])('%s %s is answered with a problem', async (method, path, status, allow) => {
  const response = await fetch(url + path, { method });
  expect(response.status).toBe(status);
  expect(response.headers.get('allow')).toBe(allow);
  expect(response.headers.get('content-type')).toBe('application/problem+json');
  expect(await response.json()).toMatchObject({
    status,
    title: expect.any(String),
    detail: expect.any(String),
  });
});

describe('limits', () => {
  /** Sends bytes and returns all that comes back until the connection ends. */
  async function raw(...parts: string[]): Promise<string> {
    const { hostname, port } = new URL(url);
    const socket = connect({ host: hostname, port: Number(port), allowHalfOpen: true });
    let answer = '';
    socket.on('data', (data) => {
      answer += data;
    });
    socket.on('error', () => {}); // A reset is an answer, too.
    for (const part of parts) socket.write(part);
    await new Promise((resolve) => socket.on('close', resolve).on('end', resolve));
    socket.destroy();
    return answer;
  }
  const get = (more: string, path = '/healthz') => `GET ${path} HTTP/1.1\r\nHost: x\r\n${more}\r\n`;

  it.each([
    ['a long target', 414, [get('Connection: close\r\n', `/metrics?${'x'.repeat(2100)}`)]],
    ['long headers', 431, [get(`X: ${'x'.repeat(9000)}\r\n`)]],
    ['a large body that is announced', 413, [get('Content-Length: 1025\r\n'), 'x']],
    ['two lengths', 400, [get('Content-Length: 1\r\nContent-Length: 2\r\n'), 'x']],
    ['a length and chunks', 400, [get('Content-Length: 5\r\nTransfer-Encoding: chunked\r\n'), '0\r\n\r\n']],
    ['no host', 400, ['GET /healthz HTTP/1.1\r\n\r\n']],
    ['no HTTP at all', 400, ['\x16\x03\x01\x02\x00\x01\x00']],
  ])('%s: %i', async (_, status, parts) => {
    expect(await raw(...parts)).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
  });

  it('a large body that was not announced ends the connection', async () => {
    const chunk = `400\r\n${'x'.repeat(1024)}\r\n`;
    const answer = await raw(
      get('Transfer-Encoding: chunked\r\n'),
      ...Array.from({ length: 100 }, () => chunk),
    );
    expect(answer.match(/HTTP\/1\.1 \d+/g)?.length ?? 0).toBeLessThanOrEqual(1);
  });

  it('a small one is thrown away', async () => {
    const answer = await raw(
      `${get('Content-Length: 1024\r\n')}${'x'.repeat(1024)}${get('Connection: close\r\n')}`,
    );
    expect(answer.match(/HTTP\/1\.1 200/g)).toHaveLength(2);
  });
});

it('keeps answers from being stored, guessed at, framed or read by others, and tells no secret', async () => {
  for (const path of ['/metrics', '/healthz', '/livez', '/readyz?verbose', '/api/stalls', '/nothing']) {
    const response = await fetch(url + path);
    expect(Object.fromEntries(response.headers), path).toMatchObject({
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
      'cross-origin-resource-policy': 'same-origin',
      'referrer-policy': 'no-referrer',
    });
    expect(await response.text(), path).not.toMatch(/a-secret-of-the-app|--a-secret-flag/);
  }
});

it('GET /healthz tells the state', async () => {
  const response = await fetch(`${url}/healthz`);
  expect(response.status).toBe(200);
  expect(await response.json()).toMatchObject({ status: 'ok', lagSeconds: 0, turns: expect.any(Number) });
});

it('carries the static labels and the effective settings', async () => {
  const one = await scrape(url);
  expect(one.value('watchdog_heartbeat_interval_seconds{app="shop"}')).toBe(0.1);
  expect([...one.family('watchdog_build_info').keys()]).toEqual([
    expect.stringMatching(
      /^watchdog_build_info\{version="\d+\.\d+\.\d+.*",node_version="v\d+.*",app="shop"\}$/,
    ),
  ]);
});

it.skipIf(SKIP_PROMTOOL)(
  'promtool has no complaint about a live scrape, whatever the pools are called',
  async () => {
    const { app, url: busy } = await startApp('registry.mjs', {}, { args: ['prom-client'] });
    app.send({
      deed: 'pools',
      value: ['a"b', 'a\\', 'a\\nb} 1', 'größe', '漢 字', '# HELP x', "it's", '{}'],
    });
    await app.message('done');
    app.send({ deed: 'spin', value: 300 });
    await app.message('done');
    const { text } = await eventually(async () => {
      const one = await scrape(busy);
      return one.has('orders_total') ? one : undefined;
    }, 'the relayed series');
    expect(text.match(/^watchdog_pool_capacity\{/gm)).toHaveLength(8);
    expect(promtool(['check', 'metrics'], { input: text })).toBe('');
  },
);
