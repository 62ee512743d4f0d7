import { execFileSync } from 'node:child_process';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { afterEach, expect, it } from 'vitest';
import { killChildren, NODE, startChild } from '../support/child.js';
import { eventually } from '../support/eventually.js';
import { freePort } from '../support/free-port.js';
import { scrape } from '../support/scrape.js';

afterEach(killChildren);

const REGISTER = pathToFileURL(fileURLToPath(new URL('../../dist/register.js', import.meta.url))).href;
const PRELOAD = fileURLToPath(new URL('../fixtures/preload.cjs', import.meta.url));

it.each([
  ['by the environment', (env: Record<string, string>) => env],
  ["as pm2's cluster mode hands it over", (env: object) => ({ pm2_env: JSON.stringify(env) })],
])('watches an app without a line of code in it, %s', async (_, handOver) => {
  const port = await freePort();
  const app = startChild('plain-app.mjs', {
    nodeArgs: ['--import', REGISTER],
    env: handOver({
      WATCHDOG_PORT: String(port),
      WATCHDOG_HOST: '127.0.0.1',
      WATCHDOG_STALL_THRESHOLD: '250',
      WATCHDOG_LABELS: 'app=shop',
    }),
  });
  await app.message('running');
  const one = await eventually(() => scrape(`http://127.0.0.1:${port}`), 'the sidecar serves');
  expect(one.value('watchdog_stall_threshold_seconds{app="shop"}')).toBe(0.25);
  app.send({});
  expect(await app.exit).toMatchObject({ code: 0, stderr: '' });
});

it.each([
  [
    'WATCHDOG_HEARTBEAT_INTERVAL',
    'often',
    /WATCHDOG_HEARTBEAT_INTERVAL must be a number of milliseconds, from 20 to 1000, but is "often"/g,
  ],
  [
    'WATCHDOG_HANG',
    'after=5,action=report',
    /WATCHDOG_HANG: The option "hang\.after" must be a number of milliseconds, 1000 or more, but is 5/g,
  ],
  // It is read by register, and again with what the code gives.
  ['WATCHDOG_TOKEN', 'short', /WATCHDOG_TOKEN must be 32 printable ASCII characters or more/g],
  [
    'WATCHDOG_STALL_TRESHOLD',
    '250',
    /There is no variable WATCHDOG_STALL_TRESHOLD; the nearest is WATCHDOG_STALL_THRESHOLD\./g,
  ],
])('a variable that is wrong is one clear warning, and the app runs: %s', async (name, value, warning) => {
  const app = startChild('plain-app.mjs', {
    nodeArgs: ['--import', REGISTER],
    env: { WATCHDOG_PORT: '0', [name]: value },
  });
  await app.message('running');
  app.send({});
  const { code, stderr } = await app.exit;
  expect(code).toBe(0);
  expect(stderr.match(warning)).toHaveLength(1);
  expect(stderr.match(/WatchdogWarning/g)).toHaveLength(1);
});

it('a runtime that is not Node.js is one clear warning, and the app runs', async () => {
  const versions = '{ value: { ...process.versions, bun: "1.0.0" } }';
  const app = startChild('plain-app.mjs', {
    nodeArgs: [
      '--import',
      `data:text/javascript,Object.defineProperty(process, "versions", ${versions})`,
      '--import',
      REGISTER,
    ],
  });
  await app.message('running');
  app.send({});
  const { code, stderr } = await app.exit;
  expect(code).toBe(0);
  expect(stderr.match(/\[ERR_WATCHDOG_UNSUPPORTED_RUNTIME\].*this is Bun 1\.0\.0/g)).toHaveLength(1);
});

it('the sidecar inherits neither NODE_OPTIONS nor the flags of the command line', async () => {
  const app = startChild('app.mjs', {
    args: ['{}'],
    nodeArgs: ['--require', PRELOAD],
    env: { NODE_OPTIONS: `--require ${PRELOAD}` },
  });
  await app.message('ready');
  app.send({ deed: 'exit', value: 0 });
  const { stderr } = await app.exit;
  expect(stderr).toContain('preloaded in thread 0');
  expect(stderr).not.toMatch(/preloaded in thread [1-9]/);
});

it('loads nothing of the network on the main thread: an app that has none does not wait for it', () => {
  const heavy = /^NativeModule (net|http|tls|cluster|internal\/cluster)/;
  const app = `process.exitCode = process.moduleLoadList.some((name) => ${heavy}.test(name)) ? 1 : 0`;
  const run = () =>
    execFileSync(NODE, ['--import', REGISTER, '--eval', app], {
      env: { ...process.env, NODE_OPTIONS: '', WATCHDOG_PORT: '0' },
      // Without a pipe, which would be a socket for Node.js.
      stdio: 'ignore',
    });
  expect(run).not.toThrow();
});
