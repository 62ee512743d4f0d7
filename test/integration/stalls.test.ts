import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { afterEach, describe, expect, it, onTestFinished } from 'vitest';
import type { Cause, Stall } from '../../src/types.js';
import {
  type App,
  type Child,
  killChildren,
  NODE_MAJOR,
  RARE_CAPTURES,
  stallOver,
  startApp,
  startChild,
} from '../support/child.js';
import { makeHome } from '../support/home.js';
import { scrape } from '../support/scrape.js';

afterEach(killChildren);

function startCulprits(options: object = {}): Promise<App> {
  return startApp('culprits.mjs', options, { nodeArgs: ['--expose-gc'] });
}

/** The stall in which a deed was done, by the app's own clock: a busy machine may bring others of its own. */
async function stallBy(app: Child, deed: string, value?: number): Promise<Stall> {
  app.send({ deed, value });
  const { fromMs, toMs } = await app.message<{ fromMs: number; toMs: number }>('did');
  for (;;) {
    const stall = await app.message<Stall>('stall');
    const startMs = Date.parse(stall.startedAt);
    if (startMs < toMs && startMs + stall.durationMs > (fromMs + toMs) / 2) return stall;
  }
}

/**
 * By the thread's own accounts it got a CPU when it wanted one: then a lack of it cannot be the cause. The
 * watchdog may judge by half of a stall, so one that waited for a third of its time may have waited for two
 * thirds of what was seen.
 */
const FAIR_SHARE = 0.3;

/** On a machine that is busy with something else a deed is done anew, twice at most. */
async function fairStallBy(
  app: Child,
  deed: string,
  value?: number,
): Promise<{ stall: Stall; waitedShare: number }> {
  for (let tries = 1; ; tries++) {
    const stall = await stallBy(app, deed, value);
    const waitedShare = await app.message<number>('waitedShare');
    if (waitedShare < FAIR_SHARE || tries === 3) return { stall, waitedShare };
  }
}

/** Whether this user may have mounts of its own. */
const canMount = spawnSync('unshare', ['-rm', 'mount', '-t', 'tmpfs', 'none', '/proc']).status === 0;

describe.runIf(process.platform === 'linux')('cause and culprit', () => {
  it.each<[string, Cause, string]>([
    ['hotLoop', 'cpu', 'hotLoop'],
    ['slowRegex', 'cpu', 'slowRegex'],
    ['sortWithComparator', 'cpu', 'sortWithComparator'],
    ['deriveKey', 'cpu', 'deriveKey'],
    ['parseText', 'cpu', 'parseText'],
    ['shellOut', 'blocked', 'shellOut'],
    ['waitForLock', 'blocked', 'waitForLock'],
    ['collectGarbage', 'gc', 'collectGarbage'],
  ])('of %s: %s, %s', async (deed, cause, culprit) => {
    const { app, url } = await startCulprits(RARE_CAPTURES);
    const { stall, waitedShare } = await fairStallBy(app, deed);
    const what = `${waitedShare} waited: ${JSON.stringify(stall)}`;
    if (waitedShare >= FAIR_SHARE) {
      expect(stall.cause, what).toBeOneOf([cause, 'starved']);
      return;
    }
    expect(stall.cause, what).toBe(cause);
    expect(stall.fingerprint).toMatch(/^[0-9a-f]{12}$/);
    const { result, frames } = stall.stacks[0] ?? { frames: [] };
    // Native code serves the request when it returns; JSON.parse one frame later: what called it counts.
    expect(result, JSON.stringify(stall)).toBe('captured');
    const own = frames.filter((frame) => frame.file.endsWith('culprits.mjs')).map((frame) => frame.function);
    expect(own).toContain(culprit);
    if (deed === 'hotLoop')
      expect(stall.culprit).toMatchObject({ code: expect.stringContaining('Math.sqrt') });
    const one = await scrape(url);
    expect(one.value(`watchdog_stalls_total{thread="main",cause="${stall.cause}"}`)).toBeGreaterThanOrEqual(
      1,
    );
    expect(one.value('watchdog_thread_cpu_seconds_total{thread="main"}')).toBeGreaterThan(0);
  });

  it('of a stopped process: suspended, and nobody is blamed', async () => {
    const { app, url } = await startCulprits();
    app.process.kill('SIGSTOP');
    await new Promise((resolve) => setTimeout(resolve, 1500));
    app.process.kill('SIGCONT');
    const stall = await stallOver(app, 1000);
    expect(stall.cause, JSON.stringify(stall)).toBe('suspended');
    const one = await scrape(url);
    expect(one.value('watchdog_process_suspensions_total')).toBeGreaterThanOrEqual(1);
    expect(one.value('watchdog_process_suspended_seconds_total')).toBeGreaterThan(0.5);
  });

  it('of a process that is stopped and continued in slices, as cpulimit does it: suspended', async () => {
    const { app } = await startCulprits({ capture: false });
    const pid = app.process.pid as number;
    app.send({ deed: 'hotLoop', value: 4000 });
    let over = false;
    const did = app.message<{ fromMs: number; toMs: number }>('did').finally(() => {
      over = true;
    });
    let stoppedMs = 0;
    while (!over) {
      await sleep(20);
      process.kill(pid, 'SIGSTOP');
      const fromMs = performance.now();
      await sleep(80);
      process.kill(pid, 'SIGCONT');
      stoppedMs += performance.now() - fromMs;
    }
    const { fromMs, toMs } = await did;
    const stall = await stallOver(app, (toMs - fromMs) / 2);
    expect(stall.cause, JSON.stringify(stall)).toBe('suspended');
    expect(stall.suspendedMs / stoppedMs).toBeGreaterThan(0.6);
    expect(stall.suspendedMs / stoppedMs).toBeLessThan(1.1);
  });

  it.runIf(canMount)('where /proc is hidden: unknown, and the log says so once', async () => {
    const line = 'mount -t tmpfs none /proc && exec "$0" "$@"';
    const app = startChild('app.mjs', { under: ['unshare', '-rm', 'sh', '-c', line] });
    await app.message('ready');
    app.send({ deed: 'spin', value: 1000 });
    await app.message('done');
    const stall = await stallOver(app, 500);
    expect(stall).toMatchObject({ cause: 'unknown', durationMs: expect.any(Number) });
    expect(stall.cpuMs).toBeUndefined();
    app.send({ deed: 'exit', value: 0 });
    expect((await app.exit).stderr.match(/causes of stalls are told as unknown/g)).toHaveLength(1);
  });

  it.runIf(availableParallelism() > 1)('of a process that gets no CPU: starved', async () => {
    const { app } = await startCulprits();
    const cpu = String(availableParallelism() - 1);
    const taskset = (...args: string[]) => spawn('taskset', args, { stdio: 'ignore' });
    await once(taskset('-a', '-p', '-c', cpu, String(app.process.pid)), 'exit');
    const hogs = Array.from({ length: 8 }, () => taskset('-c', cpu, 'sh', '-c', 'while :; do :; done'));
    onTestFinished(() => {
      for (const hog of hogs) hog.kill('SIGKILL');
    });
    await Promise.all(hogs.map((hog) => once(hog, 'spawn')));
    // 250 ms of work with a ninth of a CPU.
    app.send({ deed: 'fixedWork' });
    const stall = await stallOver(app, 1000);
    expect(stall.cause, JSON.stringify(stall)).toBe('starved');
    // The wait for a CPU is not taken for native code, nor is anybody else to blame.
    expect(stall.nativeMs ?? 0, JSON.stringify(stall)).toBeLessThan(stall.durationMs / 4);
    expect(stall.culprit?.function ?? 'fixedWork', JSON.stringify(stall)).toBe('fixedWork');
  });
});

describe('source maps', () => {
  const source = fileURLToPath(new URL('../fixtures/mapped/culprit.ts', import.meta.url));

  async function expectSource(app: Child): Promise<void> {
    const stall = await stallOver(app, 1500);
    expect(stall.culprit, JSON.stringify(stall)).toMatchObject({
      file: source,
      line: expect.toBeOneOf([12, 13, 14]),
      internal: false,
    });
    expect(stall.culprit?.code).toMatch(/performance\.now|total/);
  }

  it.each(['linked', 'inline'] as const)('lead to the TypeScript source (%s)', async (sourcemap) => {
    const home = makeHome();
    const outfile = join(home, 'culprit.mjs');
    await build({
      entryPoints: [source],
      outfile,
      bundle: true,
      minify: true,
      keepNames: true,
      platform: 'node',
      format: 'esm',
      sourcemap,
      logLevel: 'silent',
    });
    await expectSource(startChild(outfile));
  });

  it('are found where only V8 knows of them: of TypeScript that is compiled as it is loaded', async () => {
    await expectSource(startChild(source, { nodeArgs: ['--import', 'tsx'] }));
  });
});

describe('captures', () => {
  it('follow a stall that goes on', async () => {
    const { app } = await startCulprits(RARE_CAPTURES);
    const { stall, waitedShare } = await fairStallBy(app, 'hotLoop', 3000);
    expect(stall.stacks[0], JSON.stringify(stall)).toMatchObject({ result: 'captured' });
    expect(stall.stacks[0]?.atMs).toBeGreaterThanOrEqual(200);
    // A look takes a CPU: who has none is looked at less often.
    const leastSamples = waitedShare < FAIR_SHARE ? 6 : 1;
    expect(stall.samples, JSON.stringify(stall)).toBeGreaterThanOrEqual(leastSamples);
    expect(stall.hot?.[0], JSON.stringify(stall)).toMatchObject({ frame: { function: 'hotLoop' } });
  });

  it('leave no trace in the app', async () => {
    const { app } = await startCulprits(RARE_CAPTURES);
    const stall = await stallBy(app, 'noticing');
    expect(stall.stacks[0]).toMatchObject({ result: 'captured' });
    expect(await app.message('noticed')).toEqual([]);
  });

  it('are not taken of known long work, nor when they are switched off', async () => {
    const { app, url } = await startCulprits(RARE_CAPTURES);
    app.send({ deed: 'pauseHotLoop', value: 900 });
    await app.message('done');
    const captures = [...(await scrape(url)).family('watchdog_captures_total').values()];
    expect(captures.reduce((sum, count) => sum + count, 0)).toBe(0);

    const off = await startCulprits({ capture: false });
    const stall = await stallBy(off.app, 'hotLoop');
    expect(stall.stacks).toEqual([]);
  });

  it('are not tried under the permission model, where they would abort; that is said once', async () => {
    const flag = NODE_MAJOR < 22 ? '--experimental-permission' : '--permission';
    const app = startChild('culprits.mjs', {
      args: [JSON.stringify({ log: 'text' })],
      nodeArgs: [flag, '--allow-worker', '--allow-fs-read=*', '--no-warnings'],
    });
    await app.message('ready');
    for (const _ of [1, 2]) {
      const stall = await stallBy(app, 'hotLoop');
      expect(stall.stacks).toMatchObject([{ result: 'unavailable' }]);
    }
    const said = (await app.kill()).stderr.match(/told without a stack: .*/g);
    expect(said).toEqual([expect.stringContaining('permission model')]);
  });

  it('are not tried where V8 is to abort on what nobody catches', async () => {
    const nodeArgs = ['--abort-on-uncaught-exception'];
    const { app } = await startApp('culprits.mjs', RARE_CAPTURES, { nodeArgs });
    app.send({ deed: 'hotLoop', value: 800 });
    expect((await stallOver(app, 500)).stacks).toMatchObject([{ result: 'unavailable' }]);
  });
});
