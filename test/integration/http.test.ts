import { execFileSync } from 'node:child_process';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { promtool, SKIP_PROMTOOL } from '../promtool.js';
import { killChildren, startChild } from './child.js';
import { scrape } from './scrape.js';

let url: string;
beforeAll(async () => {
  const app = startChild('app.mjs', {
    args: [JSON.stringify({ host: '127.0.0.1', labels: { app: 'shop' } })],
  });
  ({ url } = await app.message<{ url: string }>('ready'));
});
afterAll(killChildren);

it('GET /metrics has the type that Prometheus expects, HEAD the same headers and no body', async () => {
  const accept = { accept: 'application/openmetrics-text;version=1.0.0' };
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
    const app = startChild('registry.mjs', { args: ['prom-client'] });
    const { url: busy } = await app.message<{ url: string }>('ready');
    app.send({
      deed: 'pools',
      value: ['a"b', 'a\\', 'a\nb} 1', 'größe', '\u0000', '# HELP x', "it's", '{}'],
    });
    await app.message('done');
    app.send({ deed: 'spin', value: 300 });
    await app.message('done');
    const { text } = await scrape(busy);
    expect(text.match(/^watchdog_pool_capacity\{/gm)).toHaveLength(8);
    expect(text).toContain('orders_total');
    expect(promtool(['check', 'metrics'], { input: text })).toBe('');
  },
);
