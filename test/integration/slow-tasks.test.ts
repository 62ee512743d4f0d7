import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import type { SlowTask } from '../../src/types.js';
import { type App, killChildren, RARE_CAPTURES, startApp } from '../support/child.js';
import { eventually } from '../support/eventually.js';
import { makeHome } from '../support/home.js';
import { scrape, scrapeUntil } from '../support/scrape.js';

afterEach(killChildren);

const FILE = fileURLToPath(new URL('../fixtures/slow-task.cjs', import.meta.url));
const TOLD = 'watchdog_pool_slow_tasks_total{pool="images"}';
/** What the tasks run: export, and the name that releases it. */
type Tasks = readonly (readonly [name: string, until: string])[];

interface Slow extends App {
  readonly threadIds: readonly number[];
  do(deed: string, value?: unknown): Promise<unknown>;
  /** What the journal has, at least so many. */
  journal(count: number): Promise<SlowTask[]>;
}

async function start(kind: string, pool: object, slowTask = 300): Promise<Slow> {
  const file = join(makeHome(), 'journal.jsonl');
  const options = { ...RARE_CAPTURES, journal: file };
  const args = [kind.slice(-1), ...[pool, options, { slowTask }].map((one) => JSON.stringify(one))];
  const { app, url } = await startApp('slow-pool.mjs', {}, { args });
  const lines = (): { type: string; task: SlowTask }[] =>
    (existsSync(file) ? readFileSync(file, 'utf8') : '')
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line));
  return {
    app,
    url,
    threadIds: await app.message('threadIds'),
    do(deed, value) {
      app.send({ deed, value });
      return app.message(deed);
    },
    journal: (count) =>
      eventually(() => {
        const told = lines().filter(({ type }) => type === 'slow-task');
        return told.length >= count && told.map(({ task }) => task);
      }, `${count} slow tasks in the journal`) as Promise<SlowTask[]>,
  };
}

const byThread = (a: SlowTask, b: SlowTask): number => a.threadId - b.threadId;
const named = (tasks: readonly SlowTask[], name: string): SlowTask =>
  tasks.find((task) => task.function === name) as SlowTask;
const two = { minThreads: 2, maxThreads: 2 };

/** The pool goes on as before, each thread of it, and what was told stays as it is. */
async function goesOn({ app, url, ...slow }: Slow, tasks: Tasks): Promise<void> {
  for (const [, until] of tasks) app.release(until);
  for (const _ of tasks) await app.message('ran');
  expect(await slow.do('echo', 20)).toEqual(Array.from({ length: 20 }, (_, i) => i));
  await scrapeUntil(url, 'idle threads', (one) => one.value('watchdog_pool_active{pool="images"}') === 0);
  expect((await scrape(url)).value(TOLD)).toBe(tasks.length);
  expect(await slow.journal(0)).toHaveLength(tasks.length);
  expect(app.messages('slowTask')).toEqual([]);
}

describe.each(['piscina5', 'piscina4'])('%s', (kind) => {
  it('a task that takes too long is told, once: what it is and where', async () => {
    const slow = await start(kind, two);
    const { app, url } = slow;
    expect((await scrape(url)).value(TOLD)).toBe(0);
    const tasks: Tasks = [
      ['default', 'first'],
      ['waitInLock', 'second'],
    ];
    await slow.do('run', tasks);
    const told = [await app.message<SlowTask>('slowTask'), await app.message<SlowTask>('slowTask')];
    expect(told.map(({ threadId }) => threadId).sort()).toEqual([...slow.threadIds].sort());
    for (const task of told) {
      expect(task).toMatchObject({ pool: 'images', file: FILE, result: 'captured' });
      expect(task.ranMs).toBeGreaterThanOrEqual(300);
      expect(Math.abs(Date.parse(task.startedAt) + task.ranMs - Date.now())).toBeLessThan(60_000);
    }
    const functions = (task: SlowTask): string[] => task.frames.map((frame) => frame.function);
    // Of the default export the function's own name; else what the app asked for.
    expect(functions(named(told, 'grind'))).toContain('grind');
    expect(functions(named(told, 'waitInLock'))).toContain('lock');
    expect(named(told, 'grind').culprit?.file).toBe(FILE);
    expect(named(told, 'waitInLock').culprit).toMatchObject({ function: 'lock', file: FILE });

    expect([await app.message('published'), await app.message('published')]).toEqual(told);
    expect((await slow.journal(2)).sort(byThread)).toEqual(told.sort(byThread));
    await app.printed(
      new RegExp(
        String.raw`^event-loop-watchdog: a task of the pool images has run for \d+ ms: ` +
          String.raw`waitInLock \S+slow-task.cjs, now in lock \S+slow-task.cjs:\d+ {2}.*Atomics.wait`,
        'm',
      ),
    );
    await goesOn(slow, tasks);
  });

  it('while main is frozen log and journal have it at once, main hears of it later', async () => {
    // Long enough that main is frozen by then, on a busy machine, too.
    const slow = await start(kind, two, 1000);
    const { app } = slow;
    const tasks: Tasks = [
      ['waitInLock', 'known'],
      ['default', 'fresh'],
    ];
    app.send({ deed: 'runAndHold', value: tasks });
    const told = await slow.journal(2);
    await app.printed(/a task of the pool images .*: grind /);
    expect(app.messages('slowTask')).toEqual([]);
    for (const task of told) expect(task).toMatchObject({ file: FILE, result: 'captured' });
    expect(named(told, 'waitInLock').culprit).toMatchObject({ function: 'lock' });
    // Main has said nothing of this one: its stack tells.
    expect(named(told, 'grind').culprit?.file).toBe(FILE);
    app.release();
    await app.message('runAndHold');
    expect([await app.message('slowTask'), await app.message('slowTask')]).toEqual(told);
    await goesOn(slow, tasks);
  });
});

it('of several on one thread each is told, also if it awaits something, and by two sidecars once', async () => {
  const slow = await start('piscina5', { minThreads: 1, maxThreads: 1, concurrentTasksPerWorker: 3 });
  const { app, url } = slow;
  const tasks: Tasks = [
    ['nap', 'a'],
    ['nap', 'b'],
    ['nap', 'c'],
  ];
  await slow.do('run', tasks.slice(0, 2));
  for (let i = 0; i < 2; i++) {
    expect(await app.message('slowTask')).toMatchObject({
      file: FILE,
      function: 'nap',
      result: 'captured',
      frames: [],
      threadId: slow.threadIds[0],
    });
  }
  await app.printed(/a task of the pool images .*: nap .*slow-task.cjs, which awaits something/);
  await slow.do('kill');
  await app.message('died');
  await scrapeUntil(url, 'another sidecar', (one) => one.value(TOLD) === 2);
  await slow.do('run', tasks.slice(2));
  expect(await app.message('slowTask')).toMatchObject({ function: 'nap' });
  await goesOn(slow, tasks);
});
