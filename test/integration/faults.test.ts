import { existsSync, writeFileSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import {
  killChildren,
  NODE_MAJOR,
  RARE_CAPTURES,
  stallOver,
  startApp,
  startChild,
} from '../support/child.js';
import { eventually } from '../support/eventually.js';
import { makeHome } from '../support/home.js';
import { scrape } from '../support/scrape.js';

const sockets: Socket[] = [];
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await killChildren();
});

describe('runs under', () => {
  it.each([
    ['--frozen-intrinsics'],
    ['--disable-proto=throw'],
    ['--disable-proto=delete'],
    ['--stack-size=256'],
    ['--max-old-space-size=48'],
    ['--disallow-code-generation-from-strings'],
    ['--enable-source-maps'],
    ['--unhandled-rejections=strict', '--trace-uncaught', '--throw-deprecation'],
  ])('%s %s', async (...nodeArgs) => {
    const { app, url } = await startApp(
      'app.mjs',
      { log: false, ...RARE_CAPTURES },
      { nodeArgs: nodeArgs.filter(Boolean) },
    );
    app.send({ deed: 'holdBusy' });
    const captured = 'watchdog_captures_total{kind="stack",result="captured"}';
    await eventually(async () => {
      const one = await scrape(url);
      // Longer than a busy machine's own stalls.
      return one.value(captured) > 0 && one.value('watchdog_eventloop_lag_seconds{thread="main"}') > 1;
    }, 'a capture');
    app.release();
    const stall = await stallOver(app, 1000);
    expect(stall.stacks[0]).toMatchObject({ result: 'captured', frames: expect.arrayContaining([]) });
    expect((await scrape(url)).value('watchdog_sidecar_restarts_total')).toBe(0);
    app.send({ deed: 'exit', value: 4 });
    expect(await app.exit).toMatchObject({ code: 4 });
  });

  it('a permission model that allows no threads: one warning, and the app goes on', async () => {
    const app = startChild('app.mjs', {
      args: [JSON.stringify({ log: false })],
      nodeArgs: [
        NODE_MAJOR < 22 ? '--experimental-permission' : '--permission',
        '--allow-fs-read=*',
        '--no-warnings',
      ],
    });
    expect(await app.message('failed')).toMatchObject({ code: 'ERR_WATCHDOG_SIDECAR_FAILED' });
    app.send({ deed: 'exit', value: 4 });
    expect(await app.exit).toMatchObject({ code: 4 });
  });

  it('a fault in what the pacer asks for: it beats on', async () => {
    expect(await startChild('thrower.mjs').exit).toMatchObject({ code: 0 });
  });

  it("a mocked Math.random, which is the app's alone", async () => {
    const app = startChild('dice.mjs');
    expect(await app.message('seen')).toEqual({ drawn: 0, whole: [true, true, true] });
    expect(await app.exit).toMatchObject({ code: 0 });
  });

  it('polluted prototypes, which set nothing', async () => {
    const { app, url } = await startApp('polluted.mjs');
    const one = await eventually(async () => {
      const now = await scrape(url);
      return now.has('watchdog_pool_capacity{pool="given"}') ? now : undefined;
    }, 'the pool is seen');
    expect(one.value('watchdog_heartbeat_interval_seconds')).toBe(0.1);
    expect(one.value('watchdog_stall_threshold_seconds')).toBe(0.1);
    expect(one.value('watchdog_pool_capacity{pool="given"}')).toBe(4);
    expect(one.has('watchdog_pool_tasks_completed_total{pool="given"}')).toBe(false);
    expect(one.has('watchdog_pool_capacity{pool="empty"}')).toBe(false);
    expect(one.text).not.toContain('evil');
    expect(await app.message('warnings')).toEqual([expect.stringContaining('"empty"')]);
  });
});

describe('clients that misbehave shut nobody out:', () => {
  const CLIENTS = 200;
  async function open(url: string, request: string, read: boolean): Promise<void> {
    const { port } = new URL(url);
    await Promise.all(
      Array.from({ length: CLIENTS }, () => {
        const socket = connect({ host: '127.0.0.1', port: Number(port) });
        sockets.push(socket);
        if (!read) socket.pause();
        // Those that are let go of are.
        socket.on('error', () => {});
        return new Promise<void>((resolve) => {
          socket.once('connect', () => socket.write(request || 'G', () => resolve()));
          socket.once('close', () => resolve());
        });
      }),
    );
  }

  it.each([
    ['silent ones', ''],
    ['ones that never finish their request', 'GET /metrics HTTP/1.1\r\nHost: x\r\n'],
    ['ones that read nothing', 'GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(99)],
  ])('%s', async (_, request) => {
    const { url } = await startApp('app.mjs', { log: false });
    await open(url, request, false);
    for (let i = 0; i < 5; i++) {
      const one = await scrape(url);
      expect(one.value('watchdog_sidecar_restarts_total')).toBe(0);
    }
  });
});

it('an app that has used up its file descriptors is served again as soon as it has some', async () => {
  const { app, url } = await startApp(
    'app.mjs',
    { log: false },
    { under: ['sh', '-c', 'ulimit -n 96; exec "$@"', 'sh'] },
  );
  await scrape(url);
  app.send({ deed: 'hoard' });
  await app.message('done');
  await scrape(url).catch(() => {}); // May fail: there is no descriptor for the connection.
  app.send({ deed: 'release' });
  await app.message('done');
  const one = await eventually(() => scrape(url), 'the port answers');
  expect(one.value('watchdog_sidecar_restarts_total')).toBe(0);
  expect(one.value('watchdog_thread_cpu_seconds_total{thread="main"}')).toBeGreaterThan(0);
});

it('of several processes that want one port, one after the other gets it', async () => {
  const holder = createServer().listen(0);
  await new Promise((resolve) => holder.once('listening', resolve));
  const { port } = holder.address() as { port: number };
  await new Promise((resolve) => holder.close(resolve));
  const app = startChild('cluster.mjs', { args: [String(port)] });
  let before: number | undefined;
  for (let i = 0; i < 3; i++) {
    const pid = await eventually(async () => {
      const one = await scrape(`http://127.0.0.1:${port}`);
      const [series = ''] = one.family('watchdog_build_info').keys();
      const serving = Number(/pid="(\d+)"/.exec(series)?.[1]);
      return serving === before ? undefined : serving;
    }, 'another one serves');
    before = pid;
    process.kill(pid, 'SIGKILL');
  }
  expect(await app.message('warning')).toBe('EADDRINUSE');
});

/** Debian's package libfaketime. */
const MACHINE = process.arch === 'arm64' ? 'aarch64' : 'x86_64';
const FAKETIME = `/usr/lib/${MACHINE}-linux-gnu/faketime/libfaketimeMT.so.1`;
const SKIP_FAKETIME = process.env.CI === undefined && !existsSync(FAKETIME);

it.skipIf(SKIP_FAKETIME)('a step of the system clock is neither lag nor a stall', async () => {
  const HOUR_MS = 3_600_000;
  const home = makeHome();
  const step = join(home, 'step');
  writeFileSync(step, '+0s');
  const env = { FAKETIME_TIMESTAMP_FILE: step, FAKETIME_NO_CACHE: '1', DONT_FAKE_MONOTONIC: '1' };
  const { app, url } = await startApp(
    'app.mjs',
    { log: false, stallThreshold: 5000 },
    { env: { ...env, LD_PRELOAD: FAKETIME } },
  );
  for (const [offset, offsetMs] of [
    ['+3600s', HOUR_MS],
    ['-3600s', -HOUR_MS],
  ] as const) {
    writeFileSync(step, offset);
    app.send({ deed: 'date' });
    expect(Math.abs((await app.message<number>('date')) - Date.now() - offsetMs)).toBeLessThan(HOUR_MS / 10);
    const one = await scrape(url);
    expect(one.value('watchdog_eventloop_lag_max_seconds{thread="main"}')).toBeLessThan(60);
    expect(one.value('watchdog_eventloop_delay_seconds_sum{thread="main"}')).toBeLessThan(600);
    for (const value of one.family('watchdog_stalls_total').values()) expect(value).toBe(0);
    expect(one.value('watchdog_process_suspensions_total')).toBe(0);
    // Wall time is told as the system has it now.
    const heartbeatMs = one.value('watchdog_last_heartbeat_timestamp_seconds{thread="main"}') * 1000;
    expect(Math.abs(heartbeatMs - Date.now() - offsetMs)).toBeLessThan(HOUR_MS / 10);
  }
});
