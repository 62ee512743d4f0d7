import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { killChildren } from '../support/child.js';
import { eventually } from '../support/eventually.js';
import { DEAD_MAN_MS, type Example, get, startExample } from '../support/example.js';

afterEach(killChildren);

/** What came of the requests of one second. */
interface Second {
  readonly served: number;
  readonly shed: number;
  readonly late: number;
  readonly failed: number;
}

/** Over how many seconds goodput is taken. */
const MEASURED = 6;
/**
 * Shedding has found its way once so many are served in time a second. The app can serve fifty, by their
 * length.
 */
const SETTLED = 15;

const goodput = (seconds: readonly Second[]): number =>
  seconds.reduce((sum, { served }) => sum + served, 0) / seconds.length;

/** The load's next seconds, as they come. */
async function* secondsOf(load: Example): AsyncGenerator<Second> {
  for (let number = 1; ; number++) {
    const rest = await load.line('second', (one) => one.startsWith(`${number} `));
    yield JSON.parse(rest.slice(rest.indexOf('{'))) as Second;
  }
}

async function overload(app: string): Promise<{ load: Example; seconds: AsyncGenerator<Second> }> {
  const load = startExample('shedding/load.mjs', { args: [`${app}/report`, '100'] });
  await load.line('users');
  return { load, seconds: secondsOf(load) };
}

async function take(seconds: AsyncGenerator<Second>, count: number): Promise<Second[]> {
  const taken: Second[] = [];
  while (taken.length < count) taken.push((await seconds.next()).value);
  return taken;
}

/** How many seconds pass until, over four of them, enough is served in time. */
async function settle(seconds: AsyncGenerator<Second>): Promise<number> {
  // Not at once: those who ask first are served in any case.
  const past = await take(seconds, MEASURED);
  while (past.length < 60 && goodput(past.slice(-4)) < SETTLED) past.push(...(await take(seconds, 1)));
  return past.length;
}

/** Where the app answers. */
const startServer = (file: string, env: Record<string, string> = {}): Promise<string> =>
  startExample(file, { env }).line('app');

/** Goodput of an app that lets everything in, some seconds after its overload began. */
async function goodputWithout(file: string): Promise<number> {
  const app = await startServer(file, { SHEDDING: 'off' });
  const { seconds } = await overload(app);
  await take(seconds, MEASURED);
  const measured = await take(seconds, MEASURED);
  await killChildren();
  return goodput(measured);
}

/**
 * Asks for this again and again. Returns a function that ends it and tells the status codes of all answers.
 */
function probe(url: string): () => Promise<number[]> {
  const statuses: number[] = [];
  let over = false;
  const probing = (async () => {
    while (!over) {
      const response = await fetch(url).catch(() => undefined);
      // Without an answer the app is gone: the test has failed, or is at its end.
      if (!response) return;
      await response.text();
      statuses.push(response.status);
      await delay(100);
    }
  })();
  return async () => {
    over = true;
    await probing;
    return statuses;
  };
}

describe('shedding under a real overload', { timeout: 2 * DEAD_MAN_MS }, () => {
  it.each(['express', 'fastify'])('%s', async (name) => {
    const file = `shedding/${name}.mjs`;
    const without = await goodputWithout(file);

    const app = await startServer(file);
    const health = probe(`${app}/healthz`);
    const { load, seconds } = await overload(app);
    const settledAfter = await settle(seconds);
    const measured = await take(seconds, MEASURED);
    const withShedding = goodput(measured);
    console.log(
      `${name}: served in time, a second: ${withShedding.toFixed(1)} with shedding (after ` +
        `${settledAfter} s), ` +
        `${without.toFixed(1)} without`,
    );
    expect(withShedding).toBeGreaterThanOrEqual(SETTLED / 3);
    expect(withShedding).toBeGreaterThanOrEqual(2 * without);
    // The others were told at once, and when to come back.
    expect(measured.reduce((sum, { shed }) => sum + shed, 0)).toBeGreaterThan(0);

    await load.kill();
    await eventually(async () => {
      for (let n = 0; n < 20; n++) if ((await get(`${app}/report`)) !== 'report\n') return undefined;
      return true;
    }, 'everything is served again');
    expect(new Set(await health())).toEqual(new Set([200]));
  });
});
