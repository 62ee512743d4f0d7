import { afterEach, describe, expect, it } from 'vitest';
import { killChildren, stallOver, startApp, startChild } from '../support/child.js';
import { eventually } from '../support/eventually.js';

afterEach(killChildren);

const LIMITS = { livenessTimeout: 1000, readiness: { maxLag: 500, recovery: 3000 } };

interface Answer {
  readonly status: number;
  readonly body: {
    readonly status: unknown;
    readonly detail?: string;
    readonly checks?: readonly { name: string; ok: boolean; detail: string }[];
  };
}

async function probe(url: string, path: string): Promise<Answer> {
  const response = await fetch(url + path, { signal: AbortSignal.timeout(30_000) });
  return { status: response.status, body: (await response.json()) as Answer['body'] };
}

it('both probes pass, fail while the loop is stuck for too long, and pass again', async () => {
  const { app, url } = await startApp('app.mjs', { ...LIMITS, log: false });
  const ready = async (): Promise<true | undefined> =>
    (await probe(url, '/readyz')).status === 200 || undefined;
  expect(await probe(url, '/livez')).toEqual({ status: 200, body: { status: 'ok' } });
  // A busy machine may have held it up as it started.
  await eventually(ready, 'it is ready');
  app.send({ deed: 'holdAsleep' });
  const dead = await eventually(async () => {
    const answer = await probe(url, '/livez');
    return answer.status === 503 ? answer : undefined;
  }, 'the loop is stuck');
  expect(dead.body.detail).toMatch(
    /^eventloop: has not turned for \d+\.\d s \(blocked\); the limit is 1\.0 s$/,
  );
  expect(dead.body.checks).toBeUndefined();
  const unready = await probe(url, '/readyz?verbose');
  expect(unready.status).toBe(503);
  expect(unready.body.checks?.map(({ name, ok }) => [name, ok])).toEqual([
    ['started', true],
    ['open', true],
    ['lag', false],
  ]);
  const releasedAt = Date.now();
  app.release();
  await stallOver(app, LIMITS.livenessTimeout);
  expect((await probe(url, '/livez')).status).toBe(200);
  await eventually(ready, 'it is ready again');
  // It was told as late by whole seconds.
  expect(Date.now() - releasedAt).toBeGreaterThanOrEqual(LIMITS.readiness.recovery);
});

it('neither waits for main when the process starts, which is not ready then', async () => {
  const app = startChild('blocked-from-the-start.mjs');
  const url = `http://127.0.0.1:${await app.message<number>('port')}`;
  const starting = await eventually(() => probe(url, '/readyz'), 'the sidecar listens');
  expect(starting).toMatchObject({ status: 503, body: { detail: 'started: the loop has not turned yet' } });
  expect((await probe(url, '/livez?verbose')).body.checks).toMatchObject([{ ok: true, detail: 'starting' }]);
  expect((await (await fetch(`${url}/healthz?verbose`)).json()) as object).toMatchObject({
    status: 'starting',
    liveness: [{ name: 'eventloop', ok: true }],
    readiness: [{ name: 'started', ok: false }, { name: 'open' }],
  });
});

describe('liveness is kept', () => {
  it('by a process that was stopped', async () => {
    const { app, url } = await startApp('app.mjs', { ...LIMITS, log: false });
    app.process.kill('SIGSTOP');
    await new Promise((resolve) => setTimeout(resolve, 2 * LIMITS.livenessTimeout));
    const first = probe(url, '/livez');
    app.process.kill('SIGCONT');
    expect((await first).status).toBe(200);
  });

  it('by known long work', async () => {
    const { app, url } = await startApp('app.mjs', { ...LIMITS, log: false });
    app.send({ deed: 'pause', value: 2 * LIMITS.livenessTimeout });
    await app.message('begun');
    let done = false;
    void app.message('done').then(() => {
      done = true;
    });
    while (!done) expect((await probe(url, '/livez?verbose')).body).toMatchObject({ status: 'ok' });
  });
});
