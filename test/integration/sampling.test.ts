import { afterEach, describe, expect, it } from 'vitest';
import type { Stall } from '../../src/types.js';
import { type App, killChildren, RARE_CAPTURES, startApp } from '../support/child.js';
import { type CpuProfile, expectSoundProfile, selfTimes } from '../support/cpu-profile.js';

afterEach(killChildren);

/** The stall in which a deed was done; done anew where a busy machine left too few samples of it. */
async function sampledStallBy({ app }: App, deed: string, value: unknown, atLeast: number): Promise<Stall> {
  for (let tries = 1; ; tries++) {
    app.send({ deed, value });
    await app.message('done');
    let stall = await app.message<Stall>('stall');
    while (stall.durationMs < 800) stall = await app.message<Stall>('stall');
    if ((stall.samples ?? 0) >= atLeast || tries === 5) return stall;
  }
}
const sharesOf = (stall: Stall): Record<string, number> =>
  Object.fromEntries((stall.hot ?? []).map(({ frame, share }) => [frame.function, share]));
const profileOf = (url: string, id: string): Promise<Response> => fetch(`${url}/api/stalls/${id}/profile`);

describe('a stall is told as a whole:', () => {
  it('what it spent its time in, by shares, and as a profile for viewers', async () => {
    const one = await startApp('sampled.mjs', RARE_CAPTURES);
    const stall = await sampledStallBy(one, 'mixed', 2500, 25);
    const all = JSON.stringify(stall);
    const { hot = 0, warm = 0 } = sharesOf(stall);
    expect(hot + warm, all).toBeGreaterThan(0.85);
    // Sixty in a hundred, of some forty samples: three and more times the deviation that chance has.
    expect(hot, all).toBeGreaterThan(0.3);
    expect(hot, all).toBeLessThan(0.9);
    expect(stall.culprit, all).toEqual(stall.hot?.[0]?.frame);
    expect(stall.culprit?.file, all).toMatch(/sampled\.mjs$/);
    expect(stall.stacks.length, all).toBeLessThanOrEqual(6);
    expect(all.length).toBeLessThan(32_000);

    const response = await profileOf(one.url, stall.id);
    expect(response.status).toBe(200);
    expect(response.headers.get('content-disposition')).toMatch(
      /attachment; filename="stall-.*\.cpuprofile"/,
    );
    const profile = (await response.json()) as CpuProfile;
    expectSoundProfile(profile);
    const times = selfTimes(profile);
    const ratio =
      (times.get('hot') as number) / ((times.get('hot') as number) + (times.get('warm') as number));
    expect(ratio, all).toBeCloseTo(hot / (hot + warm), 1);
  });

  it('who took most of it is to blame, and not who came first', async () => {
    const one = await startApp('sampled.mjs', RARE_CAPTURES);
    const stall = await sampledStallBy(one, 'moves', [400, 2000], 10);
    const all = JSON.stringify(stall);
    expect(stall.culprit?.function, all).toBe('renderInvoice');
    const { renderInvoice = 0, parseHeader = 0 } = sharesOf(stall);
    expect(renderInvoice, all).toBeGreaterThan(0.6);
    expect(parseHeader, all).toBeLessThan(0.35);
  });

  it('native code with its time, under who calls it again and again', async () => {
    const one = await startApp('sampled.mjs', RARE_CAPTURES);
    const stall = await sampledStallBy(one, 'parseAll', 40, 8);
    const all = JSON.stringify(stall);
    expect(stall.culprit?.function, all).toBe('parseAll');
    expect(sharesOf(stall).parseAll, all).toBeGreaterThan(0.8);
    // The rest is garbage collection, or the machine's.
    const busyMs = stall.durationMs - (stall.runQueueMs ?? 0) - stall.gcMs;
    expect((stall.nativeMs ?? 0) / busyMs, all).toBeGreaterThan(0.4);
    expect(stall.nativeMs, all).toBeLessThan(stall.durationMs);
    const profile = (await (await profileOf(one.url, stall.id)).json()) as CpuProfile;
    expectSoundProfile(profile);
    expect(selfTimes(profile).get('(native)'), all).toBeGreaterThan(0);
  });

  it('and there is no profile where nobody looked', async () => {
    const one = await startApp('sampled.mjs', { ...RARE_CAPTURES, capture: false });
    const { id } = await sampledStallBy(one, 'mixed', 900, 0);
    const response = await profileOf(one.url, id);
    expect(response.status).toBe(404);
    expect(await response.json()).toMatchObject({ detail: expect.stringContaining('no sample') });
    expect((await profileOf(one.url, 'nothing')).status).toBe(404);
  });
});

it('people look at the stack while a stall is sampled, side by side', async () => {
  const one = await startApp('sampled.mjs', RARE_CAPTURES);
  one.app.send({ deed: 'mixed', value: 3000 });
  await one.app.message('begun');
  const answers: number[] = [];
  let over = false;
  const done = one.app.message('done').then(() => {
    over = true;
  });
  while (!over) {
    const { status } = await fetch(`${one.url}/debug/stack`, { method: 'POST' });
    answers.push(status);
  }
  await done;
  expect(answers.filter((status) => status !== 200)).toEqual([]);
  const stall = await one.app.message<Stall>('stall');
  expect(stall.samples, JSON.stringify(stall)).toBeGreaterThan(1);
});

it('the end of the process, at any moment of a sampled stall, is quick and says nothing', async () => {
  for (let n = 0; n < 6; n++) {
    const { app } = await startApp('sampled.mjs', { stallThreshold: 50, capture: { after: 50 } });
    app.send({ deed: 'exitAmid', value: [150 + 150 * n * Math.random(), 7] });
    expect(await app.exit).toMatchObject({ code: 7, signal: null, stderr: '' });
  }
});
