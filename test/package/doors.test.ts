import { mkdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { checkPackage, createPackageFromTarballData } from '@arethetypeswrong/core';
import { build } from 'esbuild';
import { publint } from 'publint';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RUNNING_KEY } from '../../src/shared/protocol.js';
import { createProject, type Project, ROOT } from './project.js';

let project: Project;
beforeAll(() => {
  project = createProject();
});
afterAll(() => rmSync(project.home, { recursive: true, force: true }));

const NAMES = ['WatchdogError', 'getWatchdog', 'startWatchdog', 'watchThread'];

describe('require and import', () => {
  it.each([
    ['', 'index', NAMES],
    ['/express', 'express', ['shedLoad']],
    ['/fastify', 'fastify', ['shedLoad']],
  ])('lead to the same functions, and to no others: "event-loop-watchdog%s"', (path, door, names) => {
    const file = project.write(
      `both-${door}.mjs`,
      `import * as imported from 'event-loop-watchdog${path}';
       import { createRequire } from 'node:module';
       // The CommonJS file by itself: Node.js reads the names off its text.
       import { ${names.join(', ')} } from './node_modules/event-loop-watchdog/dist/${door}.cjs';
       const required = createRequire(import.meta.url)('event-loop-watchdog${path}');
       const direct = { ${names.join(', ')} };
       const same = (name) => required[name] === imported[name] && required[name] === direct[name];
       console.log(JSON.stringify([Object.keys(required), Object.keys(imported), Object.keys(direct).every(same)]));`,
    );
    expect(JSON.parse(project.run(file))).toEqual([names, names, true]);
  });

  it('of register in one process start one watchdog, which all copies of the package know', async () => {
    const entry = project.write('copied.mjs', "export { getWatchdog } from 'event-loop-watchdog';");
    const outfile = join(project.home, 'copy.cjs');
    await build({ entryPoints: [entry], outfile, bundle: true, platform: 'node', minify: true });
    const app = project.write(
      'registered.mjs',
      `import { getWatchdog } from 'event-loop-watchdog';
       import { createRequire } from 'node:module';
       const { getWatchdog: required } = createRequire(import.meta.url)('event-loop-watchdog');
       const { getWatchdog: copied } = createRequire(import.meta.url)('./copy.cjs');
       const found = [getWatchdog(), required(), copied()];
       console.log(found.every((watchdog) => watchdog !== undefined && watchdog === found[0]));`,
    );
    expect(project.runRegistered(app, '--require', '--import')).toEqual(['true\n', '']);
  });
});

it('in a sandbox, as Jest makes one for each file of tests, the inspector finds it, until it closes', () => {
  const file = project.write(
    'sandbox.cjs',
    `const { compileFunction, createContext } = require('node:vm');
     const { readFileSync } = require('node:fs');
     const filename = require.resolve('./node_modules/event-loop-watchdog/dist/watchdog.cjs');
     const parsingContext = createContext({ process, TextDecoder, TextEncoder });
     const load = compileFunction(readFileSync(filename, 'utf8'), ['module'], { filename, parsingContext });
     const inner = {};
     load(inner);
     const watchdog = inner.exports.startWatchdog(0);
     const found = () => globalThis[Symbol.for('${RUNNING_KEY}')];
     const { turn } = JSON.parse(found().look());
     watchdog.close().then(() => console.log(turn, found()));`,
  );
  expect(project.run(file)).toBe('0 undefined\n');
});

describe('the types', () => {
  const USE = `
    import 'event-loop-watchdog/register';
    import { startWatchdog, WatchdogError, type Watchdog } from 'event-loop-watchdog';
    const watchdog: Watchdog = startWatchdog(9464, { stallThreshold: 200 });
    // @ts-expect-error no such option
    startWatchdog(9464, { stalThreshold: 200 });
    import { shedLoad } from 'event-loop-watchdog/express';
    import { shedLoad as plugin } from 'event-loop-watchdog/fastify';
    shedLoad({ watchdog, maxLag: 100, except: (request) => request.method === 'OPTIONS' });
    export const register = (app: Parameters<typeof plugin>[0]) => plugin(app, { watchdog, maxQueued: 100 });
    // @ts-expect-error no such option
    shedLoad({ maxlag: 100 });
    // One declaration for both doors.
    const other = async (): Promise<WatchdogError> =>
      new (await import('event-loop-watchdog')).WatchdogError('ERR_WATCHDOG_CLOSED', '');
    export { watchdog, other };`;

  it.each([
    ['node16', 'node16'],
    ['commonjs', 'bundler'],
  ])('hold in CommonJS and ES modules (module %s, resolution %s)', (module, moduleResolution) => {
    const files = ['cts', 'mts', 'ts'].map((extension) => project.write(`use.${extension}`, USE));
    expect(project.typeCheck(files, { module, moduleResolution })).toBe('');
  });

  it('of shedLoad fit those of Express and Fastify themselves', () => {
    for (const name of ['@types/express', 'fastify']) {
      const link = join(project.home, 'node_modules', name);
      mkdirSync(dirname(link), { recursive: true });
      symlinkSync(join(ROOT, 'node_modules', name), link);
    }
    project.write(
      'shedding.mts',
      `import express from 'express';
       import Fastify from 'fastify';
       import { shedLoad } from 'event-loop-watchdog/express';
       import { shedLoad as plugin } from 'event-loop-watchdog/fastify';
       const app = express();
       app.use(shedLoad());
       app.use('/a', shedLoad({ maxQueued: 10 }), shedLoad({ except: ({ url }) => url === '/healthz' }));
       app.use(shedLoad({ except: (request: express.Request) => request.path === '/healthz' }));
       app.get('/b', shedLoad(), (_request, response) => void response.send('b'));
       const fastify = Fastify();
       await fastify.register(plugin);
       await fastify.register(plugin, { maxLag: 100, prefix: '/a', except: ({ url }) => url === '/healthz' });
       // @ts-expect-error no such option
       await fastify.register(plugin, { maxlag: 100 });`,
    );
    // Fastify's own types do not hold without.
    expect(project.typeCheck(['shedding.mts'], { skipLibCheck: true })).toBe('');
  });

  it('and exports are right for every resolution, says attw', async () => {
    const analysis = await checkPackage(createPackageFromTarballData(readFileSync(project.tarball)));
    expect(analysis).toMatchObject({ types: { kind: 'included' }, problems: [] });
  });

  it('and exports have no fault, says publint', async () => {
    const { buffer } = new Uint8Array(readFileSync(project.tarball));
    const { messages } = await publint({ pack: { tarball: buffer }, strict: true });
    expect(messages).toEqual([]);
  });
});
