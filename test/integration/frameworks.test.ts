import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { RUNNING_KEY } from '../../src/shared/protocol.js';
import { killChildren } from '../support/child.js';
import { eventually } from '../support/eventually.js';
import { DEAD_MAN_MS, get, ROOT, startExample } from '../support/example.js';
import { makeHome } from '../support/home.js';
import { LAG, type Scrape, scrape, scrapeWhileBlocked } from '../support/scrape.js';

afterEach(killChildren);

/** Checks, and unless its configuration says otherwise compiles, a TypeScript project. */
function compile(project: string): void {
  const tsc = join(ROOT, 'node_modules/typescript/bin/tsc');
  expect(execFileSync(process.execPath, [tsc, '-p', project], { encoding: 'utf8' })).toBe('');
}

const TURNS = 'watchdog_eventloop_turns_total{thread="main"}';

/** Asks for the route that blocks, again and again, until `observe` has seen what it waits for. */
async function whileFreezing<T>(app: string, observe: () => Promise<T>): Promise<T> {
  let over = false;
  const reports = (async () => {
    while (!over) expect(await get(`${app}/report`)).toBe('report\n');
  })();
  const [seen] = await Promise.all([
    observe().finally(() => {
      over = true;
    }),
    reports,
  ]);
  return seen;
}

/** Two scrapes in a row, answered within one turn of a blocked loop. */
const scrapeTwiceInATurn = (url: string): Promise<readonly [Scrape, Scrape]> =>
  eventually(async () => {
    const first = await scrape(url);
    const second = await scrape(url);
    const frozen = first.value(LAG) >= 0.3 && second.value(TURNS) === first.value(TURNS);
    return frozen ? ([first, second] as const) : undefined;
  }, 'two scrapes within one turn of a blocked loop');

interface Started {
  readonly file: string;
  readonly flags?: readonly string[];
  /** Whether SIGTERM ends it when the requests under way are answered. */
  readonly closes: boolean;
}

const FRAMEWORKS: Readonly<Record<string, () => Started>> = {
  fastify: () => ({ file: 'frameworks/fastify.mjs', closes: true }),

  express: () => ({ file: 'frameworks/express.mjs', closes: true }),

  'nest-like: CommonJS by require()'() {
    const home = makeHome();
    cpSync(join(ROOT, 'examples/frameworks/nest-like'), home, { recursive: true });
    // As `npm install` of the folder would link them.
    mkdirSync(join(home, 'node_modules'), { recursive: true });
    for (const [name, target] of [
      ['event-loop-watchdog', ROOT],
      ['@types', join(ROOT, 'node_modules/@types')],
    ] as const) {
      rmSync(join(home, 'node_modules', name), { recursive: true, force: true });
      symlinkSync(target, join(home, 'node_modules', name), 'junction');
    }
    compile(home);
    return { file: join(home, 'dist/main.js'), closes: true };
  },

  'next-like: bundled, and loaded twice'() {
    compile(join(ROOT, 'examples/frameworks/next-like'));
    const home = makeHome();
    execFileSync(process.execPath, [join(ROOT, 'examples/frameworks/next-like/build.mjs'), home], {
      stdio: 'inherit',
    });
    return { file: join(home, 'server.cjs'), closes: false };
  },

  tsx() {
    compile(join(ROOT, 'examples/frameworks/tsx'));
    return { file: 'frameworks/tsx/app.ts', flags: ['--import', 'tsx'], closes: false };
  },
};

describe('the frameworks', { timeout: 2 * DEAD_MAN_MS }, () => {
  it.each(Object.entries(FRAMEWORKS))('%s', async (_name, prepare) => {
    const { file, flags = [], closes } = prepare();
    const example = startExample(file, { flags });
    const app = await example.line('app');
    const url = await example.url();
    expect(await get(`${app}/`)).toBe('hello\n');
    const [first, second] = await whileFreezing(app, () => scrapeTwiceInATurn(url));
    expect(second.value(LAG)).toBeGreaterThan(first.value(LAG));
    expect(await get(`${app}/`)).toBe('hello\n');

    if (!closes) return;
    const report = get(`${app}/report`);
    await scrapeWhileBlocked(url);
    example.process.kill('SIGTERM');
    expect(await report).toBe('report\n');
    expect(await example.exit).toMatchObject({ code: 0, signal: null });
  });

  it('tsx: a stall is told in lines of the source', async () => {
    const example = startExample('frameworks/tsx/app.ts', { flags: ['--import', 'tsx'] });
    const app = await example.line('app');
    const source = readFileSync(join(ROOT, 'examples/frameworks/tsx/app.ts'), 'utf8').split('\n');
    const line = source.findIndex((text) => text.includes('while (')) + 1;
    await whileFreezing(app, () =>
      example.line('stall', (rest) => rest.endsWith(`examples/frameworks/tsx/app.ts:${line}`)),
    );
  });

  it('next-like: nothing is started for the edge', async () => {
    const home = makeHome();
    execFileSync(process.execPath, [join(ROOT, 'examples/frameworks/next-like/build.mjs'), home], {
      stdio: 'inherit',
    });
    const { register } = await import(join(home, 'instrumentation.cjs'));
    await register();
    expect(Reflect.has(globalThis, Symbol.for(RUNNING_KEY))).toBe(false);
  });
});
