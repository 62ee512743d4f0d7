import { spawnSync } from 'node:child_process';
import { afterEach, expect, it } from 'vitest';
import { killChildren, NODE, startApp } from '../support/child.js';
import { scrape } from '../support/scrape.js';

afterEach(killChildren);

const BARE_THREAD = 'new (require("node:worker_threads").Worker)("", { eval: true })';
/**
 * How much less the sidecar must need than a thread made without care: V8 reserves 128 MiB for that one's
 * code.
 */
const SPARED_KB = 120_000;

/** Runs a command with an address space of so many kB; no core dumps. */
const within = (kb: number): string[] => ['sh', '-c', `ulimit -c 0; ulimit -v ${kb}; exec "$@"`, 'sh'];

/** The smallest address space in which a program lives, give or take 10 MB. */
function needOf(program: string): number {
  let dies = 0;
  let lives = 8_000_000;
  while (lives - dies > 10_000) {
    const kb = Math.round((dies + lives) / 2);
    const [shell = 'sh', ...args] = within(kb);
    const { status } = spawnSync(shell, [...args, NODE, '--eval', program], { stdio: 'ignore' });
    if (status === 0) lives = kb;
    else dies = kb;
  }
  return lives;
}

it.skipIf(process.platform !== 'linux')(
  'an app lives, and its sidecar serves, where the address space is too small for a bare thread',
  async () => {
    const kb = needOf(BARE_THREAD) - SPARED_KB;
    expect(kb).toBeGreaterThan(needOf(''));
    const { app, url } = await startApp('app.mjs', {}, { args: ['{"log":false}'], under: within(kb) });
    expect((await scrape(url)).value('watchdog_sidecar_restarts_total')).toBe(0);
    app.send({ deed: 'exit', value: 4 });
    expect(await app.exit).toMatchObject({ code: 4, stderr: '' });
  },
);
