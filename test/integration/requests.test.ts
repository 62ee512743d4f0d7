import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { Frame, RequestContext, Stall } from '../../src/types.js';
import { type Child, killChildren, RARE_CAPTURES, stallOver, startChild } from '../support/child.js';
import { eventually, PATIENCE_MS } from '../support/eventually.js';
import { makeHome } from '../support/home.js';
import { scrape } from '../support/scrape.js';

afterEach(killChildren);

interface Truth {
  readonly traceId: string;
  readonly spanId: string;
  readonly path: string;
  readonly id: string;
}

/** Asks the app; answered when the request is released by its id. */
async function ask(app: string, path: string, query: Record<string, string>): Promise<Truth> {
  const url = `${app}${path}?${new URLSearchParams(query)}`;
  const response = await fetch(url, { signal: AbortSignal.timeout(2 * PATIENCE_MS) });
  return (await response.json()) as Truth;
}

interface Served {
  readonly child: Child;
  readonly url: string;
  readonly app: string;
}

async function serve(framework: string, options: object = {}, told = 'store'): Promise<Served> {
  const child = startChild('requests.mjs', { args: [JSON.stringify(options), framework, told] });
  return { child, ...(await child.message<{ url: string; app: string }>('ready')) };
}

const HOLDS = /holdBusy|step/;

interface Look {
  readonly frames: readonly Frame[];
  readonly request?: RequestContext;
}

/**
 * What the main thread does, once it is held. Of a busy machine the app's function may take too long, now and
 * then.
 */
const lookAtHold = (url: string, told: (look: Look) => boolean = () => true): Promise<Look> =>
  eventually(async () => {
    const response = await fetch(`${url}/debug/stack`, {
      method: 'POST',
      signal: AbortSignal.timeout(PATIENCE_MS),
    });
    const { frames = [], ...seen } = (await response.json()) as Partial<Look>;
    const held = frames.some((frame) => HOLDS.test(frame.function));
    return held && told({ frames, ...seen }) ? { frames, ...seen } : undefined;
  }, 'the loop is held');

const requestOf = ({ traceId, spanId, path, id }: Truth): RequestContext => ({
  traceId,
  spanId,
  name: `GET ${path}`,
  context: { path, id },
});

const capturesOf = async (url: string): Promise<number> =>
  (await scrape(url)).value('watchdog_captures_total{kind="stack",result="captured"}');

/** Holds the loop for so long that it is a stall, and is looked at. */
async function stallOf(served: Served, way: string): Promise<{ stall: Stall; truth: Truth }> {
  const { child, app, url } = served;
  const asked = ask(app, '/hold', { id: 'holder', way });
  await lookAtHold(url);
  const before = await capturesOf(url);
  await eventually(async () => (await capturesOf(url)) > before, 'the stall is looked at');
  child.release('holder');
  const truth = await asked;
  return { stall: await stallOver(child, RARE_CAPTURES.stallThreshold), truth };
}

describe.each(['express', 'fastify'])('of two requests of %s that run at once', (framework) => {
  it('the one is told that holds the loop, however it came to it', async () => {
    const { child, url, app } = await serve(framework, { capture: false });
    const waiting = ask(app, '/wait', { id: 'waiter' });
    for (const way of [
      'at once',
      'after an await',
      'in a timer',
      'in a chain of promises',
      'by a flood of microtasks',
    ]) {
      const id = way.replaceAll(' ', '-');
      const holding = ask(app, '/hold', { id, way });
      const { request } = await lookAtHold(url, (look) => look.request?.context !== undefined);
      child.release(id);
      expect(request, way).toEqual(requestOf(await holding));
    }
    child.release('waiter');
    expect(await waiting).toMatchObject({ id: 'waiter' });
  });
});

describe('a stall', () => {
  it('tells its request in event, log, journal and API, and not in the metrics', async () => {
    const journal = join(makeHome(), 'stalls.jsonl');
    const served = await serve('fastify', { ...RARE_CAPTURES, journal });
    const { stall, truth } = await stallOf(served, 'after an await');
    const request = requestOf(truth);
    expect(stall.requests).toEqual([{ ...request, samples: expect.any(Number) }]);
    const seen = stall.stacks.filter((sample) => sample.request);
    expect(seen.map((sample) => sample.request?.spanId)).toEqual(seen.map(() => truth.spanId));
    // Of samples that are alike one is told whole.
    expect(stall.requests?.[0]?.samples).toBeGreaterThanOrEqual(Math.max(1, seen.length));

    await served.child.printed(new RegExp(`, request GET /hold, trace ${truth.traceId}`));
    const told = (await (await fetch(`${served.url}/api/stalls/${stall.id}`)).json()) as Stall;
    expect(told.requests).toEqual(stall.requests);
    const lines = readFileSync(journal, 'utf8').trim().split('\n');
    const ends = lines.map((line) => JSON.parse(line)).filter(({ type }) => type === 'end');
    expect(ends.find((one) => one.stall.id === stall.id).stall.requests).toEqual(stall.requests);
    expect(await (await fetch(`${served.url}/metrics`)).text()).not.toContain(truth.traceId);
  });

  it('tells none with `context: false`', async () => {
    const { child, url, app } = await serve('express', { context: false, capture: false });
    const holding = ask(app, '/hold', { id: 'holder', way: 'at once' });
    expect(await lookAtHold(url)).not.toHaveProperty('request');
    child.release('holder');
    await holding;
  });
});

describe('a function of the app that', () => {
  it.each([
    ['hangs', 'took longer than 20 ms each time; it is not called again.'],
    ['throws', 'threw: no store'],
    ['rejects', 'returned a promise; it is not called again.'],
  ])('%s costs what it would have told, and one warning', async (told, fault) => {
    const { child, url, app } = await serve('express', { capture: false }, told);
    const holding = ask(app, '/hold', { id: 'holder', way: 'after an await' });
    const seen = [];
    for (let looks = 0; looks < 4; looks++) seen.push((await lookAtHold(url)).request);
    child.release('holder');
    const { context, ...span } = requestOf(await holding);
    expect(seen).toEqual(seen.map(() => span));
    expect(await child.message('warning')).toEqual({
      code: 'WATCHDOG_CONTEXT',
      message: `The function of the option "context" ${fault}`,
    });
    expect(child.messages('warning')).toEqual([]);
  });
});
