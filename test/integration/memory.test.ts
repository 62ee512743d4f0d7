import { afterEach, expect, it } from 'vitest';
import { type App, killChildren, startApp } from '../support/child.js';
import { LAG, type Scrape, scrape, scrapeUntil } from '../support/scrape.js';

afterEach(killChildren);

const MIB = 2 ** 20;
const LINUX = process.platform === 'linux';
const USED_AFTER_GC = 'watchdog_heap_used_after_gc_bytes{thread="main"}';
const SATURATION = 'watchdog_heap_saturation_ratio{thread="main"}';

const start = (options: object = {}, ...nodeArgs: string[]): Promise<App> =>
  startApp('memory.mjs', options, {
    args: [JSON.stringify(options)],
    nodeArgs: ['--expose-gc', ...nodeArgs],
  });

it.skipIf(!LINUX)('CPU, memory and files of the process are live while main is frozen', async () => {
  const { app, url } = await start();
  const before = await scrapeUntil(url, 'the first look at the heap', (one) =>
    one.has('nodejs_heap_size_used_bytes'),
  );
  app.send({ deed: 'freeze', value: { mib: 128, files: 50 } });
  const frozen = await scrapeUntil(url, 'the freeze', (one) => one.value(LAG) > 0.5);
  const later = await scrapeUntil(url, 'a second of CPU more', (one) => {
    const cpu = (at: Scrape): number => at.value('process_cpu_seconds_total');
    return cpu(one) - cpu(frozen) > 0.5;
  });
  expect(later.value('nodejs_eventloop_lag_seconds')).toBe(later.value(LAG));
  const grown = (name: string): number => later.value(name) - before.value(name);
  expect(grown('process_resident_memory_bytes')).toBeGreaterThan(100 * MIB);
  expect(grown('process_virtual_memory_bytes')).toBeGreaterThan(100 * MIB);
  expect(Math.abs(grown('process_open_fds') - 50)).toBeLessThan(10);
  expect(grown('process_start_time_seconds')).toBe(0);
  const parts = ['user', 'system'].map((kind) => later.value(`process_cpu_${kind}_seconds_total`));
  expect(parts[0] as number).toBeGreaterThan(0);
  expect(later.value('process_cpu_seconds_total')).toBeCloseTo(
    (parts[0] as number) + (parts[1] as number),
    6,
  );
  expect(later.value('process_max_fds')).toBeGreaterThan(50);
  const startedAt = later.value('process_start_time_seconds');
  expect(Math.abs(startedAt - later.value('watchdog_start_time_seconds'))).toBeLessThan(10);
  // What only main can tell is as of its last beat, and comes with the next.
  expect(grown('nodejs_external_memory_bytes')).toBeLessThan(100 * MIB);
  app.release();
  await scrapeUntil(url, 'the buffer', (one) => {
    return (
      one.value('nodejs_external_memory_bytes') - before.value('nodejs_external_memory_bytes') > 100 * MIB
    );
  });
});

it('a heap that fills is seen to, as what full collections leave of it', async () => {
  const { app, url } = await start({}, '--max-old-space-size=100');
  const fillTo = async (mib: number): Promise<Scrape> => {
    app.send({ deed: 'fill', value: mib });
    await app.message('done');
    return scrapeUntil(
      url,
      `${mib} MiB`,
      (one) => one.has(USED_AFTER_GC) && one.value(USED_AFTER_GC) > (mib - 10) * MIB,
    );
  };
  const half = await fillTo(45);
  const nearly = await fillTo(80);
  expect(nearly.value('watchdog_heap_limit_bytes{thread="main"}')).toBe(100 * MIB);
  expect(half.value(SATURATION)).toBeGreaterThan(0.3);
  expect(half.value(SATURATION)).toBeLessThan(0.6);
  expect(nearly.value(SATURATION)).toBeGreaterThan(0.65);
  expect(nearly.value(SATURATION)).toBeLessThan(1);
  expect(nearly.value('nodejs_heap_size_total_bytes')).toBeGreaterThan(
    nearly.value('nodejs_heap_size_used_bytes'),
  );
  const spaces = nearly.sum('nodejs_heap_space_size_used_bytes');
  expect(spaces / nearly.value('nodejs_heap_size_used_bytes')).toBeCloseTo(1, 1);
  const gc = (part: string): number =>
    nearly.value(`watchdog_gc_duration_seconds_${part}{thread="main",kind="major"}`);
  expect(gc('count')).toBeGreaterThanOrEqual(2);
  expect(gc('sum')).toBeGreaterThan(0);
  expect(gc('sum')).toBeLessThan(Date.now() / 1000 - nearly.value('process_start_time_seconds'));
  expect(
    nearly.value('watchdog_gc_duration_seconds_bucket{thread="main",kind="weakcb",le="+Inf"}'),
  ).toBeGreaterThanOrEqual(0);
});

it('a watched thread has a heap of its own, and the bounds that were asked for', async () => {
  const { url } = await start({ delayBuckets: [50, 200], processMetrics: false });
  const delay = (part: string): string => `watchdog_eventloop_delay_seconds_${part}`;
  const over = (one: Scrape, le: string): number =>
    one.value(`${delay('count')}{thread="jobs"}`) - one.value(`${delay('bucket')}{thread="jobs",le="${le}"}`);
  const one = await scrapeUntil(url, "the thread's hold", (now) => {
    return now.has(`${delay('count')}{thread="jobs"}`) && over(now, '0.2') >= 190;
  });
  expect(over(one, '0.05')).toBeGreaterThanOrEqual(over(one, '0.2') + 140);
  const les = [
    ...one.text.matchAll(/^watchdog_eventloop_delay_seconds_bucket\{thread="jobs",le="(.+?)"\}/gm),
  ];
  expect(les.map(([, le]) => le)).toEqual(['0.05', '0.2', '+Inf']);
  const looked = await scrapeUntil(url, "a look at the thread's heap", (now) =>
    now.has('watchdog_heap_limit_bytes{thread="jobs"}'),
  );
  expect(looked.value('watchdog_heap_limit_bytes{thread="jobs"}')).toBe(64 * MIB);
  expect((await scrape(url)).text).not.toMatch(/^(process|nodejs)_/m);
});
