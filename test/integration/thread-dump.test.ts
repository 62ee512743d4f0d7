import { afterEach, describe, expect, it } from 'vitest';
import type { DumpedThread, Frame, ThreadDump } from '../../src/types.js';
import { killChildren, NODE_MAJOR, startApp, startChild } from '../support/child.js';
import { eventually } from '../support/eventually.js';
import { LAG, scrape } from '../support/scrape.js';

afterEach(killChildren);

const LINUX = process.platform === 'linux';
const post = (url: string, path: string): Promise<Response> =>
  fetch(url + path, { method: 'POST', signal: AbortSignal.timeout(30_000) });

async function dump(url: string): Promise<ThreadDump> {
  const response = await post(url, '/debug/threads');
  expect(response.status).toBe(200);
  return (await response.json()) as ThreadDump;
}

const frozen = (url: string): Promise<unknown> =>
  eventually(async () => (await scrape(url)).value(LAG) > 1 || undefined, 'main is frozen');
const namesOf = (frames: readonly Frame[] = []): string[] => frames.map((frame) => frame.function);

/** By their names; of one without, by its place in the order of ids. */
function byName({ threads }: ThreadDump): Record<string, DumpedThread> {
  return Object.fromEntries(threads.map((one) => [one.name ?? `#${one.id}`, one]));
}
const poolOf = ({ threads }: ThreadDump): readonly DumpedThread[] =>
  threads.filter(({ pool }) => pool === 'images');

/** On a busy machine a thread may not come to it in time. */
const answered = (url: string, route: string): Promise<Response> =>
  eventually(async () => {
    const response = await post(url, route);
    return response.status === 504 ? undefined : response;
  }, `the thread has answered ${route}`);

/** One that all have answered, and that was mapped: on a busy machine there may be no time for it. */
const wholeDump = (url: string): Promise<ThreadDump> =>
  eventually(async () => {
    const one = await dump(url);
    const silent = one.threads.filter(({ answered, ours, name }) => !answered && !ours && name !== 'shell');
    return silent.length === 0 && one.incomplete === undefined ? one : undefined;
  }, 'all have answered');

describe('a dump of all threads', () => {
  it('tells where each is, while main is frozen in JavaScript', async () => {
    const { app, url } = await startApp('all-threads.mjs');
    app.send({ deed: 'mainBusy' });
    await frozen(url);
    const seen = await wholeDump(url);
    const threads = byName(seen);
    expect(seen.incomplete).toBeUndefined();
    expect(namesOf(threads.main?.frames)).toContain('holdBusy');
    expect(namesOf(threads.cruncher?.frames)).toContain('holdBusy');
    expect(namesOf(threads.lock?.frames)[0]).toBe('lock');
    expect(namesOf(threads.child?.frames)[0]).toBe('lock');
    expect(threads.calm?.frames).toEqual([]);
    const file = expect.stringMatching(/all-threads\.mjs$/);
    expect(threads.lock?.frames[0]).toMatchObject({ file, code: expect.stringContaining('Atomics.wait') });
    expect(poolOf(seen)).toHaveLength(3);
    const [busy] = poolOf(seen).filter(({ oldestTaskMs }) => oldestTaskMs !== undefined);
    expect(busy).toMatchObject({ oldestTaskMs: expect.any(Number) });
    expect(namesOf(busy?.frames)).toContain('resize');
    const ours = seen.threads.filter((one) => one.ours).map(({ name }) => name);
    expect(ours).toEqual(['event-loop-watchdog', 'event-loop-watchdog-inspector']);
    if (LINUX) {
      const activities = Object.entries(threads).map(([name, { activity }]) => [name, activity]);
      expect(Object.fromEntries(activities)).toMatchObject({
        main: 'running',
        cruncher: 'running',
        lock: 'parked',
        child: 'parked',
        calm: 'idle',
        parent: 'idle',
      });
      const pool = poolOf(seen).map(({ activity }) => activity);
      expect(pool.toSorted()).toEqual(['parked', 'parked', 'running']);
      // A machine that is busy leaves them some part of it.
      expect(threads.cruncher?.cpuShare).toBeGreaterThan(0);
      expect(threads.lock?.cpuShare).toBeLessThan(0.5);
      expect(seen.systemThreads.length).toBeGreaterThan(0);
    }
    app.release();
    await app.message('mainBusy');
    app.send({ deed: 'pool' });
    await app.message('pool');
  });

  it('as text has a paragraph for those that do the same', async () => {
    const { url } = await startApp('all-threads.mjs');
    const text = await eventually(async () => {
      const response = await post(url, '/debug/threads?format=text');
      expect(response.headers.get('content-type')).toMatch(/^text\/plain/);
      const said = await response.text();
      return /at resize/.test(said) && /at lock.*Atomics\.wait/.test(said) ? said : undefined;
    }, 'the pool has answered');
    expect(text).toMatch(/^Threads of process \d+, Node\.js v/);
    expect(text).toMatch(/^"lock" #\d+: .*\n {4}at lock \(.*all-threads\.mjs:\d+:\d+\) {2}Atomics\.wait/m);
    expect(text).toMatch(/^"event-loop-watchdog" #\d+: .*the watchdog's own$/m);
    const accepted = await fetch(`${url}/debug/threads`, {
      method: 'POST',
      headers: { Accept: 'text/plain' },
    });
    expect(accepted.headers.get('content-type')).toMatch(/^text\/plain/);
    expect((await post(url, '/debug/threads?format=xml')).status).toBe(400);
  });

  it('of a main thread in native code says so, and what can be known without it', async () => {
    const { app, url } = await startApp('all-threads.mjs');
    app.send({ deed: 'mainAsleep' });
    await frozen(url);
    const seen = await dump(url);
    const threads = byName(seen);
    expect(seen.incomplete).toMatch(/^The main thread did not answer/);
    expect(threads.main).toMatchObject({ answered: false, frames: [] });
    expect(threads.cruncher).toMatchObject({ answered: false, frames: [] });
    expect(poolOf(seen)).toHaveLength(3);
    if (LINUX) {
      expect(threads.main).toMatchObject({ activity: 'blocked', state: 'S' });
      expect(threads.cruncher).toMatchObject({ activity: 'running' });
      const names = seen.systemThreads.map(({ name }) => name);
      if (NODE_MAJOR >= 24) expect(names).toContain('shell');
    }
    expect((await post(url, '/debug/stack?thread=lock')).status).toBe(504);
    app.release();
    await app.message('mainAsleep');
    expect((await wholeDump(url)).incomplete).toBeUndefined();
  });
});

describe('one thread', () => {
  it('is found by its name or its id; who asks for another is told which there are', async () => {
    const { url } = await startApp('all-threads.mjs');
    const { child, cruncher } = byName(await wholeDump(url));
    const asked = [
      ['child', 'lock'],
      [child?.id, 'lock'],
      ['cruncher', 'holdBusy'],
      [cruncher?.id, 'holdBusy'],
    ] as const;
    for (const [thread, name] of asked) {
      const response = await answered(url, `/debug/stack?thread=${thread}`);
      expect(response.status).toBe(200);
      const { frames } = (await response.json()) as { frames: Frame[] };
      expect(namesOf(frames)).toContain(name);
    }
    const unknown = await post(url, '/debug/stack?thread=nobody');
    expect(unknown.status).toBe(404);
    const { detail } = (await unknown.json()) as { detail: string };
    expect(detail).toMatch(/no thread "nobody"\. There are: 0 \(main\), .*\(cruncher\), .*\(child\)/);
    expect(detail).not.toContain('event-loop-watchdog');
    const profiled = await answered(url, '/debug/cpu-profile?seconds=1&thread=cruncher');
    expect(profiled.headers.get('content-disposition')).toMatch(/filename="cruncher-\d+-\d+\.cpuprofile"/);
    const { nodes } = (await profiled.json()) as { nodes: { callFrame: { functionName: string } }[] };
    expect(nodes.map(({ callFrame }) => callFrame.functionName)).toContain('existsSync');
  });
});

describe('no thread is harmed', () => {
  /** Takes dumps until it is told to stop. */
  function lookAgainAndAgain(url: string): () => Promise<void> {
    let going = true;
    const all = [0, 1].map(async () => {
      while (going) await (await post(url, '/debug/threads')).text();
    });
    // If the test fails first, that is what is to be told.
    for (const one of all) one.catch(() => {});
    return async () => {
      going = false;
      await Promise.all(all);
    };
  }

  it('by being ended while it is looked at', async () => {
    const { app, url } = await startApp('all-threads.mjs');
    const stop = lookAgainAndAgain(url);
    app.send({ deed: 'churn', value: 40 });
    // What waited for us to let go would wait for a second and more.
    expect(await app.message<number>('churn')).toBeLessThan(10_000);
    app.send({ deed: 'terminateAll', value: ['crunch', 'lock', 'calm', 'parent'] });
    expect(await app.message<number>('terminateAll')).toBeLessThan(10_000);
    await stop();
    const left = await wholeDump(url);
    expect(Object.keys(byName(left))).not.toContain('cruncher');
    app.send({ deed: 'pool' });
    await app.message('pool');
  });

  it('by the end of the process in the midst of a look: it is not waited for for ever', async () => {
    const app = startChild('slow-look.mjs', { deadManMs: 30_000 });
    expect(await app.exit).toMatchObject({ code: 7, signal: null, stderr: '' });
  });

  it.each([0, 30, 120, 400])(
    'by the end of the process, %i ms into a dump: it ends, and says nothing',
    async (ms) => {
      const { app, url } = await startApp('all-threads.mjs');
      // A thread in a sync call is waited for by Node.js, looked at or not.
      app.release('shell');
      post(url, '/debug/threads').catch(() => {});
      app.send({ deed: 'exit', value: ms });
      expect(await app.exit).toMatchObject({ code: 7, signal: null, stderr: '' });
    },
  );
});
