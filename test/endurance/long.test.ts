import { get } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, expect, it } from 'vitest';
import { killChildren, stallOver, startApp, startChild } from '../support/child.js';
import { eventually } from '../support/eventually.js';
import { descriptors, rssMib } from '../support/process.js';
import { LAG, scrape } from '../support/scrape.js';

// Not after each: they run side by side.
afterAll(killChildren);

const LONG = { deadManMs: 300_000 };

it('a main thread that is frozen for a minute is watched all the time', { concurrent: true }, async () => {
  const { app, url } = await startApp('app.mjs', { log: false, livenessTimeout: 30_000 }, LONG);
  app.send({ deed: 'sleep', value: 60_000 });
  await app.message('begun');
  let done = false;
  const told = stallOver(app, 60_000).then((stall) => {
    done = true;
    return stall;
  });
  let lag = 0;
  let stalledSeconds = 0;
  let failed = 0;
  while (!done) {
    const one = await scrape(url);
    // Longer than a busy machine's own stalls.
    if (one.value(LAG) > 1) {
      expect(one.value(LAG)).toBeGreaterThan(lag);
      lag = one.value(LAG);
    }
    const stalled = one.value('watchdog_stall_seconds_total{thread="main",cause="blocked"}');
    expect(stalled).toBeGreaterThanOrEqual(stalledSeconds);
    stalledSeconds = stalled;
    if ((await fetch(`${url}/livez`)).status === 503) failed++;
    await sleep(250);
  }
  const stall = await told;
  expect(stall.cause).toBe('blocked');
  expect(lag).toBeGreaterThan(59);
  // From half of the time on, as often as it was asked.
  expect(failed).toBeGreaterThan(10);
  expect((await fetch(`${url}/livez`)).status).toBe(200);
});

it('an app that loads for longer than its sidecar is waited for', { concurrent: true }, async () => {
  const app = startChild('blocked-from-the-start.mjs', { deadManMs: 300_000 });
  const port = await app.message<number>('port');
  await eventually(() => scrape(`http://127.0.0.1:${port}`), 'the sidecar serves');
  await sleep(31_000);
  app.release();
  expect(await app.message('ready')).toBe(port);
  expect((await app.kill()).stderr).not.toContain('did not start');
});

it('a process that was stopped for ten seconds says so and blames nobody', { concurrent: true }, async () => {
  const { app, url } = await startApp('app.mjs', { log: false }, LONG);
  await scrape(url);
  app.process.kill('SIGSTOP');
  await sleep(10_000);
  app.process.kill('SIGCONT');
  const stall = await stallOver(app, 5000);
  expect(stall).toMatchObject({ cause: 'suspended', stacks: [] });
  const one = await scrape(url);
  expect(one.value('watchdog_process_suspended_seconds_total')).toBeGreaterThan(9);
  expect(one.value('watchdog_stalls_total{thread="main",cause="suspended"}')).toBe(1);
});

it('10,000 connections, one after the other, leave nothing behind', { concurrent: true }, async () => {
  const CONNECTIONS = 10_000;
  const NOISE_MIB = 24;
  const { app, url } = await startApp('app.mjs', { log: false }, LONG);
  const pid = app.process.pid as number;
  const once = (): Promise<void> =>
    new Promise((resolve, reject) => {
      get(`${url}/livez`, { agent: false }, (response) => response.resume().on('end', resolve)).on(
        'error',
        reject,
      );
    });
  for (let i = 0; i < CONNECTIONS / 10; i++) await once();
  const before = { mib: rssMib(pid), fds: descriptors(pid) };
  for (let i = 0; i < CONNECTIONS; i++) await once();
  await eventually(() => descriptors(pid) <= before.fds || undefined, 'all are closed');
  expect(rssMib(pid) - before.mib).toBeLessThan(NOISE_MIB);
});
