import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { NODE } from '../support/child.js';

let home: string;
beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), 'watchdog-snapshot-'));
  // Snapshots are built of one CommonJS file.
  await build({
    entryPoints: [fileURLToPath(new URL('../fixtures/snapshot.mjs', import.meta.url))],
    outfile: join(home, 'entry.cjs'),
    bundle: true,
    platform: 'node',
    format: 'cjs',
  });
});
afterAll(() => rmSync(home, { recursive: true, force: true }));

const run = (...args: string[]): string =>
  execFileSync(NODE, ['--no-warnings', '--snapshot-blob', 'app.blob', ...args], {
    cwd: home,
    encoding: 'utf8',
    env: { ...process.env, NODE_OPTIONS: '' },
    timeout: 30_000,
  });

it('a snapshot with the package in it is built and runs; starting is one clear error, there and then', () => {
  expect(run('--build-snapshot', 'entry.cjs')).toBe('ERR_WATCHDOG_UNSUPPORTED_RUNTIME\n');
  expect(run()).toBe('ERR_WATCHDOG_UNSUPPORTED_RUNTIME\nthe app goes on\n');
});
