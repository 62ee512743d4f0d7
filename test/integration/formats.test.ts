import { afterEach, expect, it } from 'vitest';
import { killChildren, startApp } from '../support/child.js';
import { eventually } from '../support/eventually.js';
import { decode } from '../support/protobuf.js';
import { SKIP_STRICT, strictFamilies } from '../support/strict-openmetrics.js';

afterEach(killChildren);

const PROTOBUF =
  'application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited';
const OPENMETRICS = 'application/openmetrics-text; version=1.0.0; charset=utf-8';
const TEXT = 'text/plain; version=0.0.4; charset=utf-8';

async function ask(
  url: string,
  accept: string,
  method = 'GET',
): Promise<{ type: string | null; body: Buffer }> {
  const response = await fetch(`${url}/metrics`, { method, headers: { accept } });
  expect(response.status).toBe(200);
  expect(response.headers.get('vary')).toBe('Accept, Accept-Encoding');
  return { type: response.headers.get('content-type'), body: Buffer.from(await response.arrayBuffer()) };
}

const idsIn = (text: string): string[] =>
  [...text.matchAll(/ # \{stall_id="([^"]+)"\}/g)].map(([, id = '']) => id);

async function idsOfStalls(url: string): Promise<string[]> {
  const { stalls } = (await (await fetch(`${url}/api/stalls`)).json()) as { stalls: { id: string }[] };
  return stalls.map(({ id }) => id);
}

it.each([
  ['prom-client', 'text'],
  ['prom-client', 'openmetrics'],
  ['@prometheus-io/client', 'text'],
])(
  'who asks for OpenMetrics or protobuf gets it, with the registry (%s, %s), frozen or not',
  async (client, format) => {
    const { app, url } = await startApp('registry.mjs', {}, { args: [client, format] });
    app.send({ deed: 'spin', value: 300 });
    await app.message('done');

    const told = await eventually(async () => {
      const { type, body } = await ask(url, OPENMETRICS);
      expect(type).toBe(OPENMETRICS);
      const text = body.toString();
      return idsIn(text).length > 0 && text.includes('\norders_total 3\n') ? text : undefined;
    }, 'the stall and the relayed series');
    expect(told.endsWith('\n# EOF\n')).toBe(true);
    expect(told).not.toContain('\n\n');
    expect(await idsOfStalls(url)).toEqual(expect.arrayContaining(idsIn(told)));
    if (!SKIP_STRICT) expect(strictFamilies(told)).toContain('orders');

    app.send({ deed: 'hold' });
    const frozen = await eventually(async () => {
      const { type, body } = await ask(url, PROTOBUF);
      expect(type).toBe(PROTOBUF);
      const all = decode(body);
      const lag = all.find(({ name }) => name === 'watchdog_eventloop_lag_seconds');
      return (lag?.metrics[0]?.series.get('watchdog_eventloop_lag_seconds{thread="main"}') ?? 0) > 1
        ? all
        : undefined;
    }, 'the freeze');
    const one = (name: string) => frozen.find((family) => family.name === name)?.metrics[0];
    expect(one('orders_total')?.series.get('orders_total{}')).toBe(3);
    // A busy machine may have made more of them.
    const stalls = one('watchdog_stall_duration_seconds');
    expect(stalls?.native?.count).toBeGreaterThan(0);
    const ids = stalls?.exemplars.map(({ labels }) => labels.stall_id);
    expect(ids?.length).toBeGreaterThan(0);
    expect(await idsOfStalls(url)).toEqual(expect.arrayContaining(ids ?? []));

    expect((await ask(url, OPENMETRICS)).body.toString()).toContain('\norders_total 3\n');
    for (const accept of ['*/*', 'image/png', TEXT]) {
      const { type, body } = await ask(url, accept);
      expect(type).toBe(TEXT);
      expect(body.toString()).not.toMatch(/stall_id|_created/);
    }
    expect(await ask(url, PROTOBUF, 'HEAD')).toMatchObject({ type: PROTOBUF, body: { length: 0 } });
  },
);
