import { afterEach, expect, it } from 'vitest';
import { killChildren, startApp } from '../support/child.js';
import { eventually } from '../support/eventually.js';
import { parse, scrape } from '../support/scrape.js';

afterEach(killChildren);

const AGE = 'watchdog_relay_age_seconds';

it.each([
  ['prom-client', 'text'],
  ['prom-client', 'openmetrics'],
  ['@prometheus-io/client', 'text'],
])("the app's own registry (%s, %s) is served along, frozen or not", async (client, format) => {
  const { app, url } = await startApp('registry.mjs', {}, { args: [client, format] });
  const first = await eventually(async () => {
    const one = await scrape(url);
    return one.has('orders_total') ? one : undefined;
  }, 'the relayed series');
  expect(first.value('orders_total')).toBe(3);
  expect(first.value('stock')).toBe(12);
  expect(first.value('ratio')).toBeNaN();
  expect(first.text).toMatch(/^# TYPE orders_total counter$/m);
  expect(first.value(AGE)).toBeLessThan(5);
  // A family that both have: ours wins.
  expect(first.text).not.toMatch(/^watchdog_build_info 666/m);
  expect(first.text.match(/^# TYPE watchdog_build_info /gm)).toHaveLength(1);
  expect(first.value('watchdog_relay_dropped_families_total{reason="duplicate"}')).toBeGreaterThanOrEqual(1);

  app.send({ deed: 'metrics' });
  expect(parse(await app.message<string>('metrics')).value('orders_total')).toBe(3);

  app.send({ deed: 'hold' });
  const frozen = await eventually(async () => {
    const one = await scrape(url);
    return one.value('watchdog_eventloop_lag_seconds{thread="main"}') > 1 ? one : undefined;
  }, 'the freeze');
  expect(frozen.value('orders_total')).toBe(3);
  expect(frozen.value(AGE)).toBeGreaterThan(0.9);
});

it("its series carry the option's labels like the watchdog's own", async () => {
  const { url } = await startApp(
    'registry.mjs',
    {},
    { args: ['prom-client', 'text', '1', '{"labels":{"app":"shop"}}'] },
  );
  const one = await eventually(async () => {
    const now = await scrape(url);
    return now.has('orders_total{app="shop"}') ? now : undefined;
  }, 'the relayed series');
  expect(one.value('watchdog_sidecar_restarts_total{app="shop"}')).toBe(0);
  expect(one.text).toMatch(/^mine\{app="shop",path="[^"]+",status="200"\} 0$/m);
});

it('a registry that throws is counted; the scrape goes on with the last copy', async () => {
  const { app, url } = await startApp('registry.mjs', {}, { args: ['prom-client'] });
  await eventually(async () => (await scrape(url)).has('stock') || undefined, 'the relayed series');
  app.send({ deed: 'break', value: true });
  await app.message('done');
  const one = await eventually(async () => {
    const now = await scrape(url);
    return now.value('watchdog_collector_errors_total{collector="relay"}') > 0 ? now : undefined;
  }, 'the fault is counted');
  expect(one.value('stock')).toBe(12);
});

it('of a registry that is too large the families that fit are served, with one warning', async () => {
  const { app, url } = await startApp('large-registry.mjs');
  const SURPLUS = 'watchdog_relay_dropped_families_total{reason="too_large"}';
  // It is asked for again, and says no more.
  const one = await eventually(async () => {
    const now = await scrape(url);
    return now.value(SURPLUS) > 1 ? now : undefined;
  }, 'the second copy');
  expect(one.family('fitting').size).toBeGreaterThan(150_000);
  expect(one.family('surplus').size).toBe(0);
  for (const name of ['first', 'last']) expect(one.family(name).size).toBeGreaterThan(10);
  expect(one.value('watchdog_collector_errors_total{collector="relay"}')).toBe(0);
  expect(one.value('watchdog_sidecar_restarts_total')).toBe(0);
  // The app has the same from its own watchdog.
  app.send({});
  expect(await app.message('metrics')).toBeGreaterThan(12 * 2 ** 20);
  expect(app.messages('warning')).toEqual([
    { code: 'WATCHDOG_RELAY_TOO_LARGE', message: expect.stringContaining('16 MiB') },
  ]);
});
