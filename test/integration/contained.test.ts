import { afterEach, expect, it } from 'vitest';
import { killChildren, startApp } from '../support/child.js';
import { eventually } from '../support/eventually.js';
import { scrape } from '../support/scrape.js';

afterEach(killChildren);

it('a part that fails is counted and costs that part: scrapes, probes and the hang guard go on', async () => {
  const { app, url } = await startApp('broken-pool.mjs');
  await eventually(async () => {
    const one = await scrape(url);
    return one.value('watchdog_collector_errors_total{collector="pools"}') > 2 || undefined;
  }, 'the pool fails');
  for (const probe of ['/livez', '/readyz', '/healthz']) expect((await fetch(url + probe)).status).toBe(200);
  expect((await scrape(url)).value('watchdog_sidecar_restarts_total')).toBe(0);
  app.send({ hang: true });
  expect(await app.exit).toMatchObject({ signal: 'SIGKILL' });
});
