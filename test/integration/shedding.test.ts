// Real Express and Fastify apps, in this process: nothing here blocks. How much they turn away under a real
// overload is in endurance/shedding.test.ts.
import { createServer } from 'node:http';
import type { AddressInfo, Server } from 'node:net';
import express from 'express';
import Fastify from 'fastify';
import { afterEach, expect, it } from 'vitest';
import { RUNNING_KEY } from '../../src/shared/protocol.js';
import type * as forExpress from '../../src/shedding/express.js';
import type * as forFastify from '../../src/shedding/fastify.js';

const built = <T>(door: string): Promise<T> => import(new URL(`../../dist/${door}.js`, import.meta.url).href);
const { shedLoad } = await built<typeof forExpress>('express');
const { shedLoad: plugin } = await built<typeof forFastify>('fastify');

let queued = 0;
const watchdog = {
  pressure: () => ({
    lagMs: 0,
    utilization: 0,
    pools: { images: { active: 1, capacity: 1, queued } },
    threadpoolDelayMs: 0,
  }),
};
const OPTIONS = { watchdog, maxQueued: 10, retryAfter: 5000 };
const isHealth = ({ url }: { readonly url?: string | undefined }): boolean => url === '/healthz';

const servers: { close(): unknown }[] = [];
afterEach(async () => {
  queued = 0;
  await Promise.all(servers.splice(0).map((server) => server.close()));
});

async function listen(server: Server): Promise<string> {
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function startFastify(): Promise<string> {
  const app = Fastify();
  servers.push(app);
  app.get('/early', () => 'early');
  // What Fastify takes for itself comes along.
  await app.register(plugin, { ...OPTIONS, except: isHealth, prefix: '/no', logLevel: 'warn' });
  app.post('/report', () => 'report');
  app.get('/healthz', () => 'ok');
  return app.listen({ port: 0, host: '127.0.0.1' });
}

function startExpress(): Promise<string> {
  const app = express();
  app.use(shedLoad({ ...OPTIONS, except: isHealth }));
  app.get('/early', (_request, response) => response.send('early'));
  app.post('/report', (_request, response) => response.send('report'));
  app.get('/healthz', (_request, response) => response.send('ok'));
  return listen(createServer(app));
}

const BIG = 'x'.repeat(300_000);

it.each([
  ['express', startExpress],
  ['fastify', startFastify],
])('%s: who is turned away is told so at once and when to come again; some never are', async (_, start) => {
  const url = await start();
  const ask = async (path: string, method = 'GET'): Promise<unknown> => {
    const response = await fetch(url + path, method === 'GET' ? {} : { method, body: BIG });
    return [response.status, response.headers.get('retry-after'), await response.text()];
  };
  expect(await ask('/report', 'POST')).toEqual([200, null, 'report']);
  queued = 11;
  const turnedAway = [503, '5', 'too busy\n'];
  expect(await ask('/report', 'POST')).toEqual(turnedAway);
  expect(await ask('/report', 'POST')).toEqual(turnedAway);
  expect(await ask('/early')).toEqual(turnedAway);
  expect(await ask('/healthz')).toEqual([200, null, 'ok']);
  queued = 10;
  expect(await ask('/report', 'POST')).toEqual([200, null, 'report']);
});

it('fastify: a wrong option is an error of register that names it', async () => {
  const app = Fastify();
  servers.push(app);
  await expect(app.register(plugin, { maxLag: -1 }).after()).rejects.toMatchObject({
    code: 'ERR_WATCHDOG_INVALID_OPTION',
    message: expect.stringContaining('"shedLoad.maxLag" must be a number of milliseconds above 0'),
  });
});

it('goes by the watchdog that runs, whenever it was started; before, all pass, and one warning says so', async () => {
  const warnings: string[] = [];
  const note = ({ name, message }: Error): void => {
    if (name === 'WatchdogWarning') warnings.push(message);
  };
  process.on('warning', note);
  const shed = shedLoad({ maxQueued: 10 });
  const url = await listen(
    createServer((request, response) => shed(request, response, () => response.end())),
  );
  queued = 11;
  for (let n = 0; n < 3; n++) expect((await fetch(url)).status).toBe(200);
  const running = globalThis as unknown as Record<symbol, unknown>;
  try {
    running[Symbol.for(RUNNING_KEY)] = { watchdog };
    expect((await fetch(url)).status).toBe(503);
    running[Symbol.for(RUNNING_KEY)] = undefined;
    // Closed: the app shuts down.
    expect((await fetch(url)).status).toBe(200);
  } finally {
    running[Symbol.for(RUNNING_KEY)] = undefined;
    process.off('warning', note);
  }
  expect(warnings).toEqual([expect.stringContaining('no watchdog runs in this process')]);
});
