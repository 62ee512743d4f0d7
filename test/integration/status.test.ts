import { afterEach, expect, it } from 'vitest';
import type { History, Stall, Status } from '../../src/types.js';
import {
  type Child,
  killChildren,
  RARE_CAPTURES,
  stallOver,
  startApp,
  startChild,
} from '../support/child.js';
import { eventually, PATIENCE_MS } from '../support/eventually.js';

afterEach(killChildren);

const get = (url: string, headers: Record<string, string> = {}): Promise<Response> =>
  fetch(url, { headers, signal: AbortSignal.timeout(PATIENCE_MS) });
const getJson = async <T>(url: string): Promise<T> => (await (await get(url)).json()) as T;
const stateOf = (url: string): Promise<Status> => getJson(`${url}/api/state`);
const historyOf = (url: string, since?: number): Promise<History> =>
  getJson(`${url}/api/history${since === undefined ? '' : `?since=${since}`}`);

/** The stall under way, once it is known whose it is. */
const explained = (url: string): Promise<{ readonly status: Status; readonly stall: Stall }> =>
  eventually(async () => {
    const status = await stateOf(url);
    const stall = status.loops[0]?.stall;
    return stall?.culprit && stall.requests ? { status, stall } : undefined;
  }, 'the stall is explained');

async function holdBy(app: string, id: string): Promise<{ readonly traceId: string }> {
  const response = await fetch(`${app}/hold?id=${id}&way=at+once`, {
    signal: AbortSignal.timeout(2 * PATIENCE_MS),
  });
  return (await response.json()) as { traceId: string };
}

it('a frozen app tells what holds it, where and for whom, and how the delay rises', async () => {
  const app: Child = startChild('requests.mjs', { args: [JSON.stringify(RARE_CAPTURES), 'fastify'] });
  const { url, app: site } = await app.message<{ url: string; app: string }>('ready');
  expect((await stateOf(url)).loops).toMatchObject([{ thread: 'main', stalls: expect.any(Number) }]);
  const held = holdBy(site, 'holder');
  const { status, stall } = await explained(url);
  expect(stall).toMatchObject({
    thread: 'main',
    culprit: { file: expect.stringMatching(/hold\.mjs$/) },
    requests: [{ name: 'GET /hold' }],
  });
  expect(status.loops[0]).toMatchObject({ state: 'blocked' });
  expect(status.loops[0]?.lagMs).toBeGreaterThanOrEqual(RARE_CAPTURES.stallThreshold);
  const where = `${stall.culprit?.function} ${stall.culprit?.file}:${stall.culprit?.line}`;
  const trace = stall.requests?.[0]?.traceId;
  expect(status.sentence).toMatch(/^Blocked for \d+(?:\.\d)? m?s \(\w+\) in /);
  expect(status.sentence).toContain(` in ${where}, request GET /hold, trace ${trace}.`);
  expect(await (await get(url)).text()).toMatch(
    new RegExp(`^Blocked for .*hold\\.mjs:\\d+, request GET /hold, trace ${trace}\\.\n`),
  );

  const { series, stalls } = await eventually(async () => {
    const history = await historyOf(url);
    return (history.series.delayMaxMs.at(-1) ?? 0) > 2500 ? history : undefined;
  }, 'the delay rises');
  const rising = series.delayMaxMs.slice(-2);
  expect(rising[1]).toBeGreaterThan(rising[0] as number);
  expect(series.delayP99Ms.at(-1)).toBeGreaterThan(1500);
  expect(series.utilization.at(-1)).toBeGreaterThan(0.5);
  const [band] = stalls.filter(({ id }) => id === stall.id);
  expect(band).toEqual({ id: stall.id, cause: expect.any(String), fromMs: Date.parse(stall.startedAt) });

  app.release('holder');
  expect((await held).traceId).toBe(trace);
  const over = await stallOver(app, 2500);
  expect(over.id).toBe(stall.id);
  const after = (await historyOf(url)).stalls.find(({ id }) => id === stall.id);
  expect(after?.toMs).toBe(Math.round(Date.parse(over.startedAt) + over.durationMs));
});

it('the next sidecar goes on with the history where the one before ended', async () => {
  const { app, url } = await startApp('killable.mjs');
  app.send({ deed: 'spin' });
  const { id } = await app.message<Stall>('stall');
  const { seq, stalls } = await eventually(async () => {
    const history = await historyOf(url);
    return history.at.length >= 2 ? history : undefined;
  }, 'two points');
  expect((await historyOf(url, seq - 1)).at.length).toBeGreaterThanOrEqual(1);
  app.send({ deed: 'kill', value: 'terminate' });
  await app.message('died');
  const next = await eventually(async () => {
    const { process } = await stateOf(url);
    const history = await historyOf(url, seq);
    return process.sidecarRestarts === 1 && history.at.length >= 1 ? history : undefined;
  }, 'the next one has a point');
  expect(next.seq).toBeGreaterThan(seq);
  expect(next.at).toEqual([...next.at].sort());
  // Why it was went with the sidecar before.
  const [before, after] = [stalls, next.stalls].map((all) => all.find((stall) => stall.id === id));
  expect(after?.cause).toBe('unknown');
  expect(Math.abs((after?.toMs ?? 0) - (before?.toMs ?? 0))).toBeLessThan(50);
  expect(await (await get(url)).text()).toContain('went with the sidecar that was replaced');
});

it('strangers get an index, and no more; who is allowed gets what was asked for, as asked', async () => {
  const { url } = await startApp('app.mjs');
  const stranger = { Origin: 'http://attacker.example' };
  const index = await get(url, stranger);
  expect(index.headers.get('content-type')).toBe('text/plain; charset=utf-8');
  expect(await index.text()).toMatch(/^GET \/livez .*for this host, or for who has the token\.\n$/ms);
  for (const route of ['/api/state', '/api/history'])
    expect((await get(url + route, stranger)).status, route).toBe(404);

  const zipped = await get(`${url}/api/history`, { 'Accept-Encoding': 'gzip' });
  expect(zipped.headers.get('vary')).toBe('Accept-Encoding');
  expect(((await zipped.json()) as History).at.length).toBeGreaterThanOrEqual(1);
  const head = await fetch(`${url}/api/state`, { method: 'HEAD' });
  expect([head.status, await head.text()]).toEqual([200, '']);
  for (const since of ['', '-1', 'x', '1e3', '99999999999999999999']) {
    const response = await get(`${url}/api/history?since=${since}`);
    expect(response.status, since).toBe(400);
    expect(await response.json()).toMatchObject({ detail: expect.stringMatching(/^since must be/) });
  }
});
