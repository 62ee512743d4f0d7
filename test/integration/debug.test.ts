import { afterEach, describe, expect, it } from 'vitest';
import type { Frame } from '../../src/types.js';
import { killChildren, startApp } from '../support/child.js';
import { eventually } from '../support/eventually.js';
import { scrape } from '../support/scrape.js';

afterEach(killChildren);

const post = (url: string): Promise<Response> =>
  fetch(url, { method: 'POST', signal: AbortSignal.timeout(30_000) });
const frozen = (url: string): Promise<unknown> =>
  eventually(
    // Longer than a busy machine's own stalls.
    async () => (await scrape(url)).value('watchdog_eventloop_lag_seconds{thread="main"}') > 1 || undefined,
    'main is frozen',
  );

describe('on demand, while main is blocked in JavaScript,', () => {
  it('the stack', async () => {
    const { app, url } = await startApp('culprits.mjs', { capture: false });
    app.send({ deed: 'endless' });
    await frozen(url);
    const response = await post(`${url}/debug/stack`);
    expect(response.status).toBe(200);
    const { frames } = (await response.json()) as { frames: Frame[] };
    expect(frames[0]).toMatchObject({
      function: 'endless',
      file: expect.stringMatching(/culprits\.mjs$/),
      internal: false,
    });
    expect((await scrape(url)).value('watchdog_captures_total{kind="stack",result="captured"}')).toBe(1);
  });

  it('a CPU profile, and nothing else beside it', async () => {
    const { app, url } = await startApp('culprits.mjs', { capture: false });
    app.send({ deed: 'endless' });
    await frozen(url);
    const first = post(`${url}/debug/cpu-profile?seconds=2`);
    const refused = await eventually(async () => {
      const response = await post(`${url}/debug/stack`);
      return response.status === 429 ? response : undefined;
    }, 'the profile is under way');
    expect(refused.headers.get('retry-after')).toMatch(/^\d+$/);
    const response = await first;
    expect(response.status).toBe(200);
    expect(response.headers.get('content-disposition')).toMatch(/attachment; filename=".*\.cpuprofile"/);
    // What DevTools and speedscope need of a .cpuprofile.
    const profile = (await response.json()) as {
      nodes: { id: number; callFrame: { functionName: string; url: string }; hitCount: number }[];
      samples: number[];
      timeDeltas: number[];
      startTime: number;
      endTime: number;
    };
    expect(profile.samples).toHaveLength(profile.timeDeltas.length);
    expect(profile.endTime).toBeGreaterThan(profile.startTime);
    // The function itself, or its caller: V8 does not always find the entry of code that it optimized before.
    const ours = profile.nodes
      .filter(({ callFrame }) => callFrame.url.endsWith('culprits.mjs'))
      .map(({ id }) => id);
    const share = profile.samples.filter((id) => ours.includes(id)).length / profile.samples.length;
    expect(share).toBeGreaterThan(0.5);
  });
});

it('a main thread in a long system call cannot answer: 504 with the reason, no harm done', async () => {
  const { app, url } = await startApp('culprits.mjs', { capture: false });
  app.send({ deed: 'holdAsleep' });
  await frozen(url);
  const response = await post(`${url}/debug/stack`);
  expect(response.status).toBe(504);
  expect(await response.json()).toMatchObject({ detail: expect.stringContaining('did not answer') });
  app.release();
  await app.message('done');
  app.send({ deed: 'hotLoop', value: 10 });
  await app.message('done');
});

it('an idle main thread answers, too', async () => {
  const { url } = await startApp('culprits.mjs', { capture: false });
  expect((await post(`${url}/debug/stack`)).status).toBe(200);
});
