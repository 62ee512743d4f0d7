import { afterEach, describe, expect, it } from 'vitest';
import type { Stall } from '../../src/types.js';
import { type App, type Child, killChildren, startChild } from '../support/child.js';
import { eventually } from '../support/eventually.js';
import { scrape, scrapeUntil } from '../support/scrape.js';

afterEach(killChildren);

const lag = (thread: string): string => `watchdog_eventloop_lag_seconds{thread="${thread}"}`;
const turns = (thread: string): string => `watchdog_eventloop_turns_total{thread="${thread}"}`;

interface Refusal {
  readonly code: string;
  readonly message: string;
}

async function startThreads(): Promise<App> {
  const app = startChild('threads.mjs');
  await app.message('up');
  return { app, url: await startWatchdog(app) };
}

async function startWatchdog(app: Child, options: object = {}): Promise<string> {
  app.send({ deed: 'start', value: options });
  return (await app.message<{ url: string }>('ready')).url;
}

async function spawn(app: Child, ...names: string[]): Promise<void> {
  app.send({ deed: 'spawn', value: names });
  for (const _ of names) await app.message('joined');
}

const tell = (app: Child, name: string, deed: string, value?: unknown, blockMs = 0): void =>
  app.send({ deed: 'tell', value: { name, deed, value, blockMs } });

describe('a worker thread', () => {
  it('that goes on loading for longer than an answer is waited for has joined all the same', async () => {
    const { app } = await startThreads();
    app.send({ deed: 'spawn', value: ['loading'] });
    expect(await Promise.race([app.message('joined'), app.message('refused')])).toBe('loading');
  });

  it('joins while the main thread is frozen, and its own stalls are seen then', async () => {
    const { app, url } = await startThreads();
    // One after the other in main's queue: the second begins when the thread is made, but cannot have joined
    // yet.
    app.send({ deed: 'spawn', value: ['late'] });
    app.send({ deed: 'hold' });
    const joined = await scrapeUntil(url, 'it has joined', (one) => one.has(turns('late')));
    expect(joined.value(lag('main'))).toBeGreaterThan(0);
    app.release();
    await app.message('joined');

    tell(app, 'late', 'wait', 6000, 6000);
    const both = await scrapeUntil(
      url,
      'both are stuck',
      (one) => one.value(lag('late')) > 1 && one.value(lag('main')) > 1,
    );
    expect(both.value('watchdog_stall_seconds_total{thread="late",cause="blocked"}')).toBeGreaterThan(0);
  });

  it('has its stalls counted, explained and told of on the main thread', async () => {
    const { app, url } = await startThreads();
    await spawn(app, 'crunch', 'idle');
    tell(app, 'crunch', 'wait', 700);
    const stall = await eventually(async () => {
      const one = await app.message<Stall>('stall');
      return one.thread === 'crunch' && one.durationMs > 600 ? one : undefined;
    }, 'the stall is told of');
    expect(stall).toMatchObject({ cause: 'blocked', durationMs: expect.any(Number) });
    const one = await scrape(url);
    expect(one.value('watchdog_stalls_total{thread="crunch",cause="blocked"}')).toBe(1);
    expect(one.value('watchdog_stalls_total{thread="idle",cause="blocked"}')).toBe(0);
    expect(one.value('watchdog_eventloop_delay_seconds_bucket{thread="crunch",le="0.5"}')).toBeLessThan(
      one.value('watchdog_eventloop_delay_seconds_count{thread="crunch"}') - 100,
    );
    expect(one.value('watchdog_thread_cpu_seconds_total{thread="crunch"}')).toBeGreaterThan(0);
    await scrapeUntil(url, 'its resources are counted', (now) =>
      now.has('watchdog_eventloop_active_resources{thread="idle",type="MessagePort"}'),
    );
    const { stalls } = (await (await fetch(`${url}/api/stalls`)).json()) as { stalls: Stall[] };
    expect(stalls).toContainEqual(stall);
  });

  it('has its stalls sampled, also while the main thread is frozen in JavaScript', async () => {
    const { app } = await startThreads();
    await spawn(app, 'crunch');
    tell(app, 'crunch', 'spin', 2500, 2500);
    const stall = await eventually(async () => {
      const one = await app.message<Stall>('stall');
      return one.thread === 'crunch' && one.durationMs > 2000 ? one : undefined;
    }, 'the stall is told of');
    expect(stall.samples, JSON.stringify(stall)).toBeGreaterThan(1);
    expect(stall.culprit, JSON.stringify(stall)).toMatchObject({
      function: 'spin',
      file: expect.stringMatching(/threads\.mjs$/),
    });
  });

  it('is asked through the main thread: while that is in native code nothing wrong is told', async () => {
    const { app, url } = await startThreads();
    await spawn(app, 'crunch');
    tell(app, 'crunch', 'spin', 2500);
    app.send({ deed: 'holdAsleep' });
    const stall = await eventually(async () => {
      const { stalls } = (await (await fetch(`${url}/api/stalls`)).json()) as { stalls: Stall[] };
      return stalls.find(({ thread, durationMs }) => thread === 'crunch' && durationMs > 2000);
    }, 'the stall is over');
    app.release();
    // A busy machine may have let it answer before main went to sleep.
    expect(stall.culprit?.function ?? 'spin', JSON.stringify(stall)).toBe('spin');
    expect(stall.nativeMs, JSON.stringify(stall)).toBeUndefined();
    await app.message('done');
  });

  it('parked in Atomics.wait has a culprit, too', async () => {
    const { app } = await startThreads();
    await spawn(app, 'lock');
    tell(app, 'lock', 'wait', 2000);
    const stall = await eventually(async () => {
      const one = await app.message<Stall>('stall');
      return one.thread === 'lock' && one.durationMs > 1500 ? one : undefined;
    }, 'the stall is told of');
    expect(stall.culprit, JSON.stringify(stall)).toMatchObject({ function: 'wait' });
  });

  it('has its first job counted, which it begins as soon as it is watched', async () => {
    const { app, url } = await startThreads();
    const names = ['hasty 1', 'hasty 2', 'hasty 3', 'hasty 4'];
    await spawn(app, ...names);
    await scrapeUntil(url, 'each has stalled once', (one) =>
      names.every(
        (name) =>
          one.has(turns(name)) && one.value(`watchdog_stall_duration_seconds_sum{thread="${name}"}`) > 0.5,
      ),
    );
  });

  it('that ends by a long turn has told of it', async () => {
    const { app } = await startThreads();
    await spawn(app, 'last words');
    tell(app, 'last words', 'spinAndExit', 900);
    const stall = await eventually(async () => {
      const one = await app.message<Stall>('stall');
      return one.thread === 'last words' && one.durationMs > 500 ? one : undefined;
    }, 'the stall is told of');
    expect(stall.cause).not.toBe('suspended');
  });

  it.runIf(process.platform === 'linux')(
    'that is ended in the midst of a stall takes the cause along',
    async () => {
      const { app, url } = await startThreads();
      await spawn(app, 'doomed');
      tell(app, 'doomed', 'spin', 600_000);
      await scrapeUntil(url, 'it is stuck', (one) => one.value(lag('doomed')) > 1);
      app.send({ deed: 'terminate', value: 'doomed' });
      const stall = await eventually(async () => {
        const one = await app.message<Stall>('stall');
        return one.thread === 'doomed' && one.durationMs > 900 ? one : undefined;
      }, 'the stall is told of');
      // On a busy machine it may have waited most of the time.
      expect(stall.cause, JSON.stringify(stall)).toBeOneOf(['cpu', 'starved']);
      expect(stall.cpuMs).toBeGreaterThan(0);
    },
  );

  it('minds no nonsense on the channel, and neither does the sidecar', async () => {
    const { app, url } = await startThreads();
    await spawn(app, 'calm');
    app.send({ deed: 'garble' });
    await app.message('done');
    await spawn(app, 'calm, too');
    const one = await scrapeUntil(
      url,
      'both',
      (now) => now.has(turns('calm')) && now.has(turns('calm, too')),
    );
    expect(one.has(turns('main'))).toBe(true);
    expect(one.value('watchdog_sidecar_restarts_total')).toBe(0);
    expect(one.value('watchdog_collector_errors_total{collector="eventloop"}')).toBe(0);
  });

  it('may do known long work', async () => {
    const { app, url } = await startThreads();
    await spawn(app, 'rebuild');
    tell(app, 'rebuild', 'pause', 2000);
    const after = await scrapeUntil(
      url,
      'it was at work',
      (one) => one.value('watchdog_eventloop_lag_max_seconds{thread="rebuild"}') > 1.5,
    );
    const stalled = [...after.family('watchdog_stall_seconds_total')].filter(([name]) =>
      name.includes('thread="rebuild"'),
    );
    expect(stalled.reduce((sum, [, seconds]) => sum + seconds, 0)).toBeLessThan(1);
  });

  it.each(['end', 'exit', 'crash', 'unwatch', 'terminate'])('leaves when it ends (%s)', async (way) => {
    const { app, url } = await startThreads();
    await spawn(app, 'first', 'second');
    await scrapeUntil(url, 'both are there', (one) => one.has(turns('first')) && one.has(turns('second')));
    if (way === 'terminate') {
      app.send({ deed: 'terminate', value: 'second' });
      await app.message('done');
      // At once: nobody has looked for it yet.
      await spawn(app, 'second');
      app.send({ deed: 'terminate', value: 'first' });
    } else tell(app, 'first', way);
    const left = await scrapeUntil(url, 'it is gone', (one) => !one.text.includes('thread="first"'));
    expect(left.has(turns('second'))).toBe(true);
    if (way === 'unwatch') {
      // It may come back.
      tell(app, 'first', 'watch');
      await app.message('joined');
    } else {
      // Another one may have its name.
      await spawn(app, 'first');
    }
    await scrapeUntil(url, 'it is there again', (one) => one.has(turns('first')));
  });

  it('must have a name of its own, and at most 32 are taken', async () => {
    const { app, url } = await startThreads();
    await spawn(app, ...Array.from({ length: 32 }, (_, i) => `thread ${i}`));
    app.send({ deed: 'spawn', value: ['thread 7'] });
    expect(await app.message<Refusal>('refused')).toMatchObject({
      code: 'ERR_WATCHDOG_DUPLICATE_THREAD',
      message: expect.stringContaining('"thread 7"'),
    });
    app.send({ deed: 'spawn', value: ['one more'] });
    expect(await app.message<Refusal>('refused')).toMatchObject({
      code: 'ERR_WATCHDOG_TOO_MANY_THREADS',
      message: expect.stringContaining('At most 32'),
    });
    const one = await scrape(url);
    expect(one.family('watchdog_eventloop_turns_total').size).toBe(33);
    // A place that is free again is for who was refused.
    app.send({ deed: 'terminate', value: 'thread 3' });
    const later = await scrapeUntil(url, 'it has joined', (now) => now.has(turns('one more')));
    expect(later.family('watchdog_eventloop_turns_total').size).toBe(33);
  });

  it('goes on under a new sidecar, and its counters do, too', async () => {
    const { app, url } = await startThreads();
    await spawn(app, 'steady');
    tell(app, 'steady', 'wait', 300);
    const count = 'watchdog_stalls_total{thread="steady",cause="blocked"}';
    const before = await scrapeUntil(
      url,
      'a stall is counted',
      (one) => one.has(count) && one.value(count) === 1,
    );
    app.send({ deed: 'killSidecar' });
    const after = await eventually(async () => {
      const one = await scrape(url);
      return one.value('watchdog_sidecar_restarts_total') === 1 && one.has(count) ? one : undefined;
    }, 'it has joined the next one');
    expect(after.value(count)).toBe(1);
    expect(after.value(turns('steady'))).toBeGreaterThanOrEqual(before.value(turns('steady')));
  });

  it('may be there before the watchdog, and outlive it', async () => {
    const app = startChild('threads.mjs');
    await app.message('up');
    app.send({ deed: 'spawn', value: ['early'] });
    await app.message('done');
    const url = await startWatchdog(app);
    await app.message('joined');
    await scrapeUntil(url, 'it has joined', (one) => one.has(turns('early')));
    app.send({ deed: 'stop' });
    await eventually(async () => !(await fetch(url).catch(() => undefined)) || undefined, 'closed');
    const next = await startWatchdog(app, { stallThreshold: 50 });
    await scrapeUntil(next, 'it has joined the next one', (one) => one.has(turns('early')));
  });
});

describe('a thread of a Piscina pool', () => {
  it.each([
    ['sync', 'ERR_WATCHDOG_UNWATCHABLE_THREAD'],
    ['disabled', 'joined'],
  ])('whose idle threads (atomics: %s) sleep or not: %s', async (atomics, outcome) => {
    const app = startChild('piscina-thread.mjs', { args: [atomics] });
    expect(await app.message('outcome')).toBe(outcome);
  });
});
