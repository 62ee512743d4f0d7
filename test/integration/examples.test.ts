import { afterEach, describe, expect, it } from 'vitest';
import { killChildren } from '../support/child.js';
import { eventually } from '../support/eventually.js';
import { DEAD_MAN_MS, get, startExample } from '../support/example.js';
import { freePort } from '../support/free-port.js';
import { LAG, scrape, scrapeUntil, scrapeWhileBlocked } from '../support/scrape.js';

afterEach(killChildren);

describe('the examples', { timeout: DEAD_MAN_MS }, () => {
  it('basic: metrics while the loop is blocked, the stall event after', async () => {
    const example = startExample('basic.mjs');
    const url = await example.url();
    const during = await scrapeWhileBlocked(url);
    expect(during.sum('watchdog_stall_seconds_total')).toBeGreaterThanOrEqual(0.1);

    // A machine under load may bring stalls of its own before ours, which is of a second.
    await example.line('stall', (rest) => Number(/^(\d+) ms, cause \w+$/.exec(rest)?.[1]) >= 900);
    const after = await scrape(url);
    expect(after.sum('watchdog_stalls_total')).toBeGreaterThanOrEqual(1);
  });

  it('opentelemetry: a stall tells the request that made it', async () => {
    const example = startExample('opentelemetry.mjs');
    const app = await example.line('app');
    await example.url();
    const other = get(`${app}/?user=6`);
    // Again and again: a busy machine may be too late to see one.
    const traces: string[] = [];
    let over = false;
    const asking = (async () => {
      while (!over) traces.push((await get(`${app}/report?user=7`)).trim());
    })();
    await example.line('stall', (rest) =>
      traces.some((trace) => rest.endsWith(`by GET /report, ${trace}, {"user":"7"}`)),
    );
    // A span in the trace of that request, below the request's own.
    const span = /^event loop stalled, (trace [0-9a-f]{32}), parent [0-9a-f]{16}, /;
    await example.line('span', (rest) => traces.includes(span.exec(rest)?.[1] ?? ''));
    over = true;
    await asking;
    expect(traces).not.toContain((await other).trim());
  });

  it('http-server: metrics while a route blocks, and a shutdown that loses no request', async () => {
    const example = startExample('frameworks/http-server.mjs');
    const app = await example.line('app');
    const url = await example.url();
    expect(await get(`${app}/`)).toBe('hello\n');

    const report = get(`${app}/report`);
    await scrapeWhileBlocked(url);
    example.process.kill('SIGTERM');
    expect(await report).toBe('report\n');
    expect(await example.exit).toMatchObject({ code: 0, signal: null });
    await expect(scrape(url)).rejects.toThrow();
  });

  it('piscina: a Piscina pool, thread by thread, and another pool by a function', async () => {
    const example = startExample('piscina.mjs');
    const url = await example.url();
    const busy = await scrapeUntil(
      url,
      'both pools full and with a queue',
      (one) =>
        one.value('watchdog_pool_active{pool="images"}') === 2 &&
        one.value('watchdog_pool_queue_size{pool="images"}') > 0 &&
        one.value('watchdog_pool_active{pool="mails"}') === 4 &&
        one.value('watchdog_pool_queue_size{pool="mails"}') > 0,
    );
    expect(busy.value('watchdog_pool_capacity{pool="images"}')).toBe(2);
    expect(busy.value('watchdog_pool_threads{pool="images"}')).toBe(2);
    expect(busy.value('watchdog_pool_saturation_ratio{pool="images"}')).toBe(1);
    expect(busy.value('watchdog_pool_capacity{pool="mails"}')).toBe(4);
    // What only the threads themselves can tell: the watch began in time to see them all.
    expect(busy.value('watchdog_pool_oldest_task_seconds{pool="images"}')).not.toBeNaN();
    expect(busy.value('watchdog_pool_dispatch_blocked_seconds_total{pool="images"}')).not.toBeNaN();

    const completed = 'watchdog_pool_tasks_completed_total{pool="images"}';
    const before = busy.value(completed);
    await scrapeUntil(url, 'more finished tasks', (one) => one.value(completed) > before);
  });

  it('threads: a worker thread that stalls, while the main thread does not', async () => {
    const example = startExample('threads.mjs');
    const url = await example.url();
    const lag = 'watchdog_eventloop_lag_seconds{thread="indexer"}';
    await scrapeUntil(url, 'the thread is blocked', (one) => one.value(lag) >= 0.5);
    await example.line('stall', (rest) => /^indexer \w+ \d{4} ms$/.test(rest));
  });

  it("threadpool: a probe that waits for a thread of libuv's, like a file", async () => {
    const example = startExample('threadpool.mjs');
    const url = await example.url();
    const pending = 'watchdog_threadpool_probe_pending_seconds';
    await scrapeUntil(url, 'a probe waits', (one) => one.value(pending) >= 0.3);
    await example.line('file', (rest) => /^\d{3,} ms$/.test(rest));
  });

  it('cluster: four processes, each of which knows of all, also while one is frozen', async () => {
    const example = startExample('cluster.mjs');
    const url = await example.url();
    await eventually(async () => {
      const all = JSON.parse(await get(`${url}/sd`)) as { targets: string[] }[];
      const scrapes = await Promise.all(all.map(({ targets }) => scrape(`http://${targets[0]}`)));
      const frozen = scrapes.filter((one) => one.value(LAG) > 0.5);
      return scrapes.length === 4 && frozen.length === 1;
    }, 'one of four is frozen');
  });

  it("custom-registry: the app's own metrics, fresh while it runs, the latest copy in a stall", async () => {
    const example = startExample('custom-registry.mjs');
    const url = await example.url();
    const first = await scrapeUntil(url, 'an order', (one) => one.value('shop_orders_total') > 0);
    const blocked = await scrapeWhileBlocked(url);
    expect(blocked.value('shop_orders_total')).toBeGreaterThanOrEqual(first.value('shop_orders_total'));
    expect(blocked.value('watchdog_relay_age_seconds')).toBeGreaterThan(0.1);
    await scrapeUntil(
      url,
      'fresh orders after the stall',
      (one) => one.value('shop_orders_total') > blocked.value('shop_orders_total'),
    );
  });

  it('pino: stalls as entries of the log, the longer the higher their level', async () => {
    interface Entry {
      readonly level: number;
      readonly metrics?: string;
      readonly stall?: { readonly cause: string; readonly durationMs: number; readonly culprit?: Frame };
    }
    type Frame = { readonly function: string; readonly file: string };
    const example = startExample('frameworks/pino.mjs');
    const { metrics } = await example.json<Entry>('the address', (entry) => entry.metrics !== undefined);
    expect(await get(metrics as string)).toContain(LAG);

    // In pino's numbers info is 30, warn 40, error 50.
    const long = await example.json<Entry>('a long stall whose stack was seen', ({ stall }) =>
      Boolean(stall && stall.durationMs >= 1000 && stall.culprit),
    );
    expect(long.level).toBe(50);
    expect(long.stall?.culprit).toMatchObject({ function: 'buildReport' });
    expect(long.stall?.culprit?.file).toMatch(/examples\/frameworks\/pino\.mjs$/);
    const short = await example.json<Entry>('a short one', ({ stall }) => (stall?.durationMs ?? 250) < 250);
    expect(short.level).toBe(30);
    expect((await example.kill()).stderr).toBe('');
  });

  it('register: an app that knows nothing of the watchdog, configured by variables', async () => {
    const port = await freePort();
    const env = { WATCHDOG_PORT: String(port), WATCHDOG_HOST: '127.0.0.1', WATCHDOG_STALL_THRESHOLD: '50' };
    const example = startExample('register/app.mjs', {
      env,
      flags: ['--import', 'event-loop-watchdog/register'],
    });
    const app = await example.line('app');
    const url = `http://127.0.0.1:${port}`;
    // It may answer requests before its sidecar listens.
    const first = await eventually(() => scrape(url), 'the sidecar serves');
    expect(first.value('watchdog_stall_threshold_seconds')).toBe(0.05);

    const search = get(`${app}/search`);
    await scrapeWhileBlocked(url);
    expect(await search).toBe('found\n');
  });
});
