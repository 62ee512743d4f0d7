import { basename } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import type { Stall } from '../../src/types.js';
import { killChildren, startApp, startChild } from '../support/child.js';
import { eventually } from '../support/eventually.js';
import { type Scrape, scrape } from '../support/scrape.js';

afterEach(killChildren);

const restarts = (one: Scrape): number => one.value('watchdog_sidecar_restarts_total');

const WAYS = ['terminate', 'exception', 'exhaustion', 'exit'];
/**
 * Of the two seconds within which the port should be back, this much may be waiting; the rest is for the
 * start.
 */
const WAIT_MAX_MS = 1000;

it('a sidecar that dies ten times in several ways comes back on its port and counts on', async () => {
  const { app, url } = await startApp('killable.mjs');
  let last: Scrape | undefined;
  for (let death = 1; death <= 10; death++) {
    app.send({ deed: 'spin' });
    await app.message('spun');
    app.send({ deed: 'kill', value: WAYS[death % WAYS.length] });
    await app.message('died');
    expect(await app.message<number>('waitedMs')).toBeLessThanOrEqual(WAIT_MAX_MS);
    const one = await eventually(async () => {
      const now = await scrape(url);
      return restarts(now) === death ? now : undefined;
    }, `respawn ${death}`);
    for (const family of [
      'watchdog_eventloop_turns_total',
      'watchdog_eventloop_delay_seconds',
      'watchdog_stalls_total',
      'watchdog_culprit_stall_seconds_total',
    ]) {
      for (const [series, value] of one.family(family)) {
        expect(value, series).toBeGreaterThanOrEqual(last?.value(series) ?? 0);
      }
    }
    last = one;
  }
  const stalls = [...(last as Scrape).family('watchdog_stalls_total').values()];
  expect(stalls.reduce((sum, value) => sum + value, 0)).toBeGreaterThanOrEqual(9);
  // One warning, and the app is unharmed.
  expect(await app.message('warning')).toBe('WATCHDOG_SIDECAR_DIED');
  app.send({ deed: 'close when dead' });
  await app.message('closed');
});

it('a moment has one wall time: scrape by scrape, for another sidecar, in the stall told of', async () => {
  const { app, url } = await startApp('killable.mjs');
  app.send({ deed: 'spin' });
  const { startedAt } = await app.message<Stall>('stall');
  /**
   * What was told of the latest stall, by all that was told of stalls: a busy machine has some of its own.
   */
  const told = new Map<string, Set<number>>();
  const starts = new Set<number>();
  async function note(): Promise<void> {
    const one = await scrape(url);
    starts.add(one.value('watchdog_start_time_seconds'));
    const stalls = [...one.family('watchdog_stalls_total'), ...one.family('watchdog_stall_seconds_total')];
    const times = told.get(stalls.join()) ?? new Set();
    told.set(stalls.join(), times.add(one.value('watchdog_last_stall_timestamp_seconds{thread="main"}')));
  }
  for (let scrapes = 0; scrapes < 20; scrapes++) await note();
  app.send({ deed: 'kill', value: 'terminate' });
  await app.message('died');
  await eventually(async () => restarts(await scrape(url)) === 1, 'another one answers');
  await note();
  expect(starts.size).toBe(1);
  expect([...told.values()].map(({ size }) => size)).toEqual(Array(told.size).fill(1));
  const [first] = [...told.values()].flatMap((times) => [...times]);
  const others = (app.messages('stall') as Stall[]).map((stall) => stall.startedAt);
  expect([startedAt, ...others].map((moment) => Date.parse(moment) / 1000)).toContain(first);
});

it('who is to blame is still known by the next sidecar', async () => {
  const { app, url } = await startApp('killable.mjs');
  // Again if a busy machine kept main from its deed when its stack was captured.
  const { file, line, ...culprit } = await eventually(async () => {
    app.send({ deed: 'spin', value: 1000 });
    return (await app.message<Stall>('stall')).culprit;
  }, 'a stall has a culprit');
  const label = `${culprit.function} ${basename(file)}:${line}`;
  const series = `watchdog_culprit_stall_seconds_total{thread="main",culprit="${label}"}`;
  expect((await scrape(url)).text).toContain(`\n${series} 0\n`);
  const unknown = 'watchdog_culprit_stall_seconds_total{thread="main",culprit="unknown"}';
  const { value: unknownSeconds } = await eventually(async () => {
    // Over before a stack is taken.
    app.send({ deed: 'spin', value: 120 });
    await app.message('spun');
    const value = (await scrape(url)).value(unknown);
    return value > 0.1 ? { value } : undefined;
  }, 'a stall is nobody’s');
  app.send({ deed: 'kill', value: 'terminate' });
  await app.message('died');
  const next = await eventually(async () => {
    const one = await scrape(url);
    return restarts(one) === 1 ? one : undefined;
  }, 'another one answers');
  expect(next.has(series)).toBe(true);
  expect(next.value(unknown)).toBeGreaterThanOrEqual(unknownSeconds);
});

it('a sidecar for which there is no thread is made as soon as there is one', async () => {
  const app = startChild('no-threads.mjs');
  expect(await app.message('meanwhile')).toBe('ERR_WATCHDOG_SIDECAR_FAILED');
  expect(await app.message('failedAttempts')).toBeGreaterThanOrEqual(3);
  const { url } = await app.message<{ url: string }>('ready');
  expect(restarts(await scrape(url))).toBe(0);
  app.send({});
  const { code, stderr } = await app.exit;
  expect(code).toBe(0);
  expect(stderr.match(/\[WATCHDOG_SIDECAR_DELAYED\].*EAGAIN\. It is tried again\./g)).toHaveLength(1);
});

it('a sidecar that is deaf is replaced, and counted', async () => {
  const { app, url } = await startApp('killable.mjs');
  app.send({ deed: 'kill', value: 'deafness' });
  const one = await eventually(async () => {
    const now = await scrape(url);
    return restarts(now) === 1 ? now : undefined;
  }, 'another one answers');
  expect(one.value('watchdog_eventloop_turns_total{thread="main"}')).toBeGreaterThan(0);
  expect(await app.message('warning')).toBe('WATCHDOG_SIDECAR_DIED');
});
