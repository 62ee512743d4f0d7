import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Stall, ThreadDump } from '../../src/types.js';
import { type Child, killChildren, RARE_CAPTURES, stallOver, startApp } from '../support/child.js';
import { eventually } from '../support/eventually.js';
import { makeHome } from '../support/home.js';
import { scrape } from '../support/scrape.js';

interface Line {
  readonly type: 'begin' | 'end' | 'hang';
  readonly stall: Stall;
  /** Of a report. */
  readonly threads?: ThreadDump;
}

let home: string;
let journal: string;
beforeEach(() => {
  home = makeHome();
  journal = join(home, 'stalls.jsonl');
});
afterEach(killChildren);

const lines = (): Line[] =>
  existsSync(journal)
    ? readFileSync(journal, 'utf8')
        .split('\n')
        .filter(Boolean)
        .map((line) => JSON.parse(line) as Line)
    : [];

describe('the journal file', () => {
  it('has a line for the begin and one for the end of each stall, and the API tells the same', async () => {
    const { app, url } = await startApp('culprits.mjs', { ...RARE_CAPTURES, journal });
    app.send({ deed: 'hotLoop' });
    const told = await stallOver(app, 1500);
    const end = lines().find(({ type, stall }) => type === 'end' && stall.id === told.id);
    expect(end?.stall).toEqual(told);
    expect(lines().some(({ type, stall }) => type === 'begin' && stall.id === told.id)).toBe(true);
    expect(statSync(journal).mode & 0o777).toBe(0o600);

    const { stalls, offenders } = (await (await fetch(`${url}/api/stalls`)).json()) as {
      stalls: Stall[];
      offenders: { fingerprint: string; count: number; totalSeconds: number; where: string }[];
    };
    expect(stalls).toContainEqual(told);
    expect(offenders.find(({ fingerprint }) => fingerprint === told.fingerprint)).toMatchObject({
      where: expect.stringMatching(/^hotLoop .*culprits\.mjs:\d+$/),
      totalSeconds: expect.toSatisfy((seconds: number) => seconds >= 1.5),
    });
    expect(await (await fetch(`${url}/api/stalls/${told.id}`)).json()).toEqual(told);
    expect((await fetch(`${url}/api/stalls/nothing`)).status).toBe(404);
  });

  it('outlives a SIGKILL in the middle of the stall', async () => {
    const { app, url } = await startApp('culprits.mjs', { ...RARE_CAPTURES, journal });
    app.send({ deed: 'endless' });
    // Longer than any stall before it: what is written then is of this one.
    const lag = 'watchdog_eventloop_lag_seconds{thread="main"}';
    await eventually(async () => (await scrape(url)).value(lag) > 1 || undefined, 'main is frozen');
    await app.kill('SIGKILL');
    expect(lines().at(-1)).toMatchObject({
      type: 'begin',
      stall: { thread: 'main', state: expect.any(String) },
    });
  });

  it.each([
    ['cannot be written', () => join(home, 'no-such-directory', 'stalls.jsonl')],
    [
      'is a symbolic link',
      () => {
        writeFileSync(join(home, 'target'), '');
        symlinkSync(join(home, 'target'), join(home, 'link'));
        return join(home, 'link');
      },
    ],
    ['is a directory', () => home],
    ['is on a full disk', () => '/dev/full'],
    ['is in a directory that cannot be written to', () => '/proc/stalls.jsonl'],
    [
      'is a pipe that nobody reads',
      () => {
        execFileSync('mkfifo', [join(home, 'pipe')]);
        return join(home, 'pipe');
      },
    ],
  ])('that %s is one warning and a metric', async (_, path) => {
    const { app, url } = await startApp('app.mjs', { journal: path(), log: false });
    for (let i = 0; i < 2; i++) {
      app.send({ deed: 'spin', value: 400 });
      await app.message('done');
      await app.message('stall');
    }
    expect((await scrape(url)).value('watchdog_journal_errors_total')).toBeGreaterThanOrEqual(4);
    expect(await app.message('warning')).toMatchObject({
      code: 'WATCHDOG_SIDECAR',
      message: expect.stringContaining('The stall journal cannot be written'),
    });
    app.send({ deed: 'exit', value: 0 });
    const { stderr } = await app.exit;
    expect(stderr.match(/journal cannot be written/g)).toHaveLength(1);
  });
});

/** On a busy machine a capture may come too late; the deed is done anew then, twice at most. */
async function stallWithCulprit(app: Child, ms: number, deed: object): Promise<Stall> {
  for (let tries = 1; ; tries++) {
    app.send(deed);
    const stall = await stallOver(app, ms);
    if (stall.culprit || tries === 3) return stall;
  }
}

describe('the log', () => {
  it.each([
    [
      'text',
      new RegExp(
        String.raw`^event-loop-watchdog: the main thread stalled for \d+ ms \(\w+\) ` +
          String.raw`in hotLoop .*culprits\.mjs:\d+(, native code for \d+ ms)? {2}.*Math\.sqrt`,
        'm',
      ),
    ],
    [
      'json',
      /^\{"level":"warn","time":"[^"]+","msg":"event loop stalled","id":.*"culprit":\{"function":"hotLoop"/m,
    ],
  ])('says a line on stderr (%s)', async (log, line) => {
    const { app } = await startApp('culprits.mjs', { ...RARE_CAPTURES, log });
    const stall = await stallWithCulprit(app, 1500, { deed: 'hotLoop' });
    expect((await app.kill()).stderr, JSON.stringify(stall)).toMatch(line);
  });
});

describe('names that came from elsewhere', () => {
  /** All but the end of a line. */
  const CONTROL = /(?!\n)[\p{Cc}\u2028-\u202e]/u;

  it.each(['text', 'json'])('forge no line of the log (%s), the journal and the API', async (log) => {
    const { app, url } = await startApp('culprits.mjs', { ...RARE_CAPTURES, log, journal });
    const { id, culprit } = await stallWithCulprit(app, 850, { deed: 'forged', value: 900 });
    expect(culprit?.function).toContain('x\nevent-loop-watchdog: ');
    expect(culprit?.function).toContain('\u001b[2J\u009b31m\u202e\u2028');
    const api = await (await fetch(`${url}/api/stalls`)).text();
    expect(api).not.toMatch(CONTROL);
    const { stalls } = JSON.parse(api) as { stalls: Stall[] };
    expect(stalls.find((stall) => stall.id === id)?.culprit).toEqual(culprit);
    expect(readFileSync(journal, 'utf8')).not.toMatch(CONTROL);
    const end = lines().find(({ type, stall }) => type === 'end' && stall.id === id);
    expect(end?.stall.culprit).toEqual(culprit);
    const stack = await fetch(`${url}/debug/stack`, { method: 'POST' });
    expect(await stack.text()).not.toMatch(CONTROL);

    const { stderr } = await app.kill();
    expect(stderr).not.toMatch(CONTROL);
    expect(stderr).toContain('99999 ms\\u001b[2J\\u009b31m\\u202e\\u2028');
    expect(stderr).not.toMatch(/^event-loop-watchdog: the main thread stalled for 99999 ms/m);
  });
});

describe('a loop that never returns', () => {
  it('is reported and ended', async () => {
    const { app } = await startApp('culprits.mjs', {
      ...RARE_CAPTURES,
      journal,
      hang: { after: 1500, action: 'kill' },
    });
    // Not a loop that computes: on a busy machine it may get no CPU, and nobody is blamed for that.
    app.send({ deed: 'waitForLock', value: 600_000 });
    const { signal, stderr } = await app.exit;
    expect(signal).toBe('SIGKILL');
    expect(stderr).toMatch(/^event-loop-watchdog: the event loop does not come back: \{"type":"hang"/m);
    const report = lines().find(({ type }) => type === 'hang');
    expect(report?.stall).toMatchObject({ culprit: { function: 'waitForLock' } });
    const { threads = [], incomplete } = report?.threads ?? {};
    expect(threads[0]).toMatchObject({ name: 'main' });
    // On a busy machine it may not answer in time.
    const names = threads[0]?.frames.map((frame) => frame.function);
    if (incomplete === undefined) expect(names).toContain('waitForLock');
    expect(threads.filter(({ ours }) => ours)).not.toHaveLength(0);
  });

  const asFirst = ['unshare', '-rpf', '--mount-proc', '--kill-child'];
  const canBeFirst = spawnSync('unshare', [...asFirst.slice(1), 'true']).status === 0;
  it.runIf(canBeFirst)(
    'is ended where it is the first process of a container, which no signal ends',
    async () => {
      const hang = { after: 1000, action: 'kill' };
      const { app } = await startApp('culprits.mjs', { ...RARE_CAPTURES, hang }, { under: asFirst });
      app.send({ deed: 'waitForLock', value: 600_000 });
      // As `unshare` passes it on.
      expect((await app.exit).signal).toBe('SIGTRAP');
      expect((await app.exit).stderr).toContain('the event loop does not come back');
    },
  );

  it('is only reported, if that is what is asked', async () => {
    const { app } = await startApp('culprits.mjs', {
      ...RARE_CAPTURES,
      journal,
      hang: { after: 1000, action: 'report' },
    });
    app.send({ deed: 'holdAsleep' });
    const reports = () => lines().filter(({ type }) => type === 'hang');
    await eventually(() => reports().length > 0, 'the report');
    app.release();
    await stallOver(app, 1000);
    expect(reports()).toHaveLength(1);
  });

  it.each<[string, (app: Child) => void]>([
    ['comes back in time', (app) => app.send({ deed: 'waitForLock', value: 1200 })],
    [
      'was stopped from outside',
      (app) => {
        app.process.kill('SIGSTOP');
        setTimeout(() => app.process.kill('SIGCONT'), 3500);
      },
    ],
    ['is known long work', (app) => app.send({ deed: 'pauseHotLoop', value: 3500 })],
  ])('is let live when it %s', async (_, act) => {
    const { app, url } = await startApp('culprits.mjs', {
      ...RARE_CAPTURES,
      hang: { after: 2500, action: 'kill' },
    });
    act(app);
    if (_ === 'is known long work') await app.message('done');
    else await stallOver(app, 1000);
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
    expect(app.process.exitCode).toBeNull();
  });
});
