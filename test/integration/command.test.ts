import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { createAsk } from '../../src/command/client.js';
import type { Status } from '../../src/shared/status.js';
import type { Stall } from '../../src/types.js';
import { type Child, killChildren, RARE_CAPTURES, stallOver, startApp } from '../support/child.js';
import { json, problem, runCommand, startStandIn } from '../support/command.js';
import { eventually } from '../support/eventually.js';
import { freePort } from '../support/free-port.js';
import { makeHome } from '../support/home.js';
import { LAG, scrape } from '../support/scrape.js';
import { blockedLoop, loopOf, statusOf } from '../support/status.js';
import { openTerminal } from '../support/terminal.js';

afterEach(killChildren);

const outside = Object.values(networkInterfaces())
  .flat()
  .find((address) => address && !address.internal && address.family === 'IPv4')?.address;

/** But for the ends of lines: what would drive a terminal. */
const CONTROL = /(?!\n)\p{Cc}/u;

/** A stall that was looked into: on a busy machine one may pass unseen. */
async function stalledForged(app: Child): Promise<Stall> {
  for (;;) {
    app.send({ deed: 'forged', value: 700 });
    const stall = await stallOver(app, 700);
    await app.message('done');
    if (stall.culprit && stall.samples !== undefined) return stall;
  }
}

describe('of an app that is frozen', () => {
  it('tells stalls, stacks and profiles, for people and for programs', async () => {
    const { app, url } = await startApp('culprits.mjs', RARE_CAPTURES);
    const home = makeHome();
    const { port } = new URL(url);
    const run = (...args: string[]) => runCommand([...args, port], { cwd: home });
    // Its name has in it what drives a terminal.
    const stall = await stalledForged(app);
    app.send({ deed: 'endless' });
    await eventually(async () => (await scrape(url)).value(LAG) > 0.5 || undefined, 'main is frozen');

    const [list, listJson, one, oneJson, profile] = await Promise.all([
      run('stalls'),
      run('stalls', '--json'),
      run('stalls', stall.id),
      run('stalls', '--json', stall.id),
      run('profile', '--stall', stall.id),
    ]);
    expect(list).toMatchObject({ code: 0, stderr: '' });
    expect(list.stdout).toMatch(
      new RegExp(`^\\d.* m?s  ${stall.cause} +${stall.id} +x.*culprits\\.mjs:\\d+\\)$`, 'm'),
    );
    const { stalls } = JSON.parse(listJson.stdout) as { stalls: Stall[] };
    expect(stalls.map(({ id }) => id)).toContain(stall.id);
    expect(one.stdout).toMatch(/^Stall .* of main\n {2}started .*\n {2}length +[\d.]+ m?s\n {2}cause +\w+: /);
    expect(one.stdout).toMatch(/^ {4}at x.*culprits\.mjs:\d+:\d+\)/m);
    expect(JSON.parse(oneJson.stdout)).toMatchObject({ id: stall.id, cause: stall.cause });
    for (const { stdout } of [list, listJson, one, oneJson]) expect(stdout).not.toMatch(CONTROL);
    expect(profile.stdout).toContain(`Saved ${join(home, `stall-${stall.id}.cpuprofile`)} (`);

    const [, running = ''] = / so far +\w+ +(\d+-\w+-\d+)/.exec(list.stdout) ?? [];
    const [its, itsProfile] = await Promise.all([run('stalls', running), run('profile', '--stall', running)]);
    expect(its.stdout).toMatch(/^Stall .* of main\n {2}started .*\n {2}length .* so far\n/);
    expect(itsProfile).toMatchObject({ code: 1, stderr: expect.stringContaining('is not over') });

    const stacks = await run('stacks');
    expect(stacks).toMatchObject({ code: 0, stderr: '' });
    expect(stacks.stdout).toMatch(/^Threads of process \d+, .*\n\n"main" #0: running.*\n {4}at endless \(/);

    const taken = join(home, 'taken.cpuprofile');
    const saved = await run('profile', '--seconds', '1', '--json', '--output', taken);
    expect(JSON.parse(saved.stdout)).toEqual({ file: taken, bytes: expect.any(Number) });
    const { nodes } = JSON.parse(readFileSync(taken, 'utf8')) as { nodes: unknown[] };
    expect(nodes.length).toBeGreaterThan(0);
    expect(readdirSync(home).sort()).toEqual([`stall-${stall.id}.cpuprofile`, 'taken.cpuprofile']);
  });
});

describe('a profile', () => {
  const PROFILE = '{"nodes":[],"samples":[],"timeDeltas":[]}';
  const named = (name: string) =>
    startStandIn({
      'POST /debug/cpu-profile': (_request, response) =>
        void response
          .setHeader('content-disposition', `attachment; filename="${name}.cpuprofile"`)
          .end(PROFILE),
    });

  it('is never written over what is there, nor outside of the folder', async () => {
    const home = makeHome();
    const port = String(await named('main-4711-1764137'));
    const run = (...args: string[]) => runCommand(['profile', port, ...args], { cwd: home });
    await Promise.all([run(), run()]);
    const files = readdirSync(home);
    expect(files).toHaveLength(2);
    for (const file of files) expect(file).toMatch(/^main-4711-\d{8}T\d{6}Z(-2)?\.cpuprofile$/);
    writeFileSync(join(home, 'mine'), 'precious');
    const refused = await run('--output', 'mine');
    expect(refused).toMatchObject({ code: 1, stdout: '' });
    expect(refused.stderr).toContain('is there already, and is not overwritten');
    // Before five seconds go into it.
    const untaken = await runCommand(['profile', String(await freePort()), '--output', 'mine'], {
      cwd: home,
    });
    expect(untaken.stderr).toBe(refused.stderr);
    expect(readFileSync(join(home, 'mine'), 'utf8')).toBe('precious');
    expect(await run('--output', '-')).toEqual({ code: 0, stdout: `${PROFILE}\n`, stderr: '' });
    const nowhere = await run('--output', 'no/such/folder/x');
    expect(nowhere).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/no\/such\/folder cannot be written/),
    });

    const foreign = String(await named('../../etc/x-1-1'));
    await runCommand(['profile', foreign], { cwd: home });
    expect(readdirSync(home).filter((file) => file.startsWith('profile-'))).toHaveLength(1);
  });
});

it('half a profile is not kept, so that the next one finds its place', async () => {
  const home = makeHome();
  writeFileSync(
    join(home, 'full-disk.cjs'),
    `const fs = require('node:fs');
    const write = fs.writeFileSync;
    fs.writeFileSync = (file, text, options) => {
      write(file, '', options);
      throw Object.assign(new Error('no space'), { code: 'ENOSPC' });
    };`,
  );
  const answer = json(() => ({ nodes: [], samples: [] }));
  const port = String(await startStandIn({ 'POST /debug/cpu-profile': answer }));
  const env = { NODE_OPTIONS: '--require ./full-disk.cjs' };
  const ran = await runCommand(['profile', port, '--output', 'taken'], { cwd: home, env });
  expect(ran).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/taken cannot be written: no space\. /),
  });
  expect(readdirSync(home)).toEqual(['full-disk.cjs']);
});

describe('what goes wrong', () => {
  it('is told with what to do, and by the exit code', async () => {
    const port = String(
      await startStandIn({
        'POST /debug/threads': problem(429, 'Another capture is under way.'),
        'POST /debug/cpu-profile': problem(504, 'The thread did not answer.'),
        'GET /sd': (_request, response) => void response.end('<h1>Shop</h1>'),
      }),
    );
    const nobody = String(await freePort());
    const cases: [args: string[], code: number, stderr: RegExp][] = [
      [
        ['stalls', nobody],
        1,
        /^event-loop-watchdog: Nothing listens at http:\/\/127\.0\.0\.1:\d+\. .*WATCHDOG_PORT\.\n$/,
      ],
      [['stalls', port], 1, /on the app's own host.* or with the token: --token-file FILE/],
      [['stacks', port], 1, /Another capture is under way\. One at a time/],
      [['profile', port], 1, /: The thread did not answer\.\n$/],
      [['top', port], 1, /is no watchdog/],
      [['topp', port], 2, /the nearest is top\. .*\nSee event-loop-watchdog --help\.\n$/],
      [['stacks', port, '--token-file', '/nowhere'], 2, /--token-file: \/nowhere cannot be read/],
    ];
    await Promise.all(
      cases.map(async ([args, code, stderr]) => {
        expect(await runCommand(args)).toEqual({ code, stdout: '', stderr: expect.stringMatching(stderr) });
      }),
    );
  });

  it('is a server that never answers, or never ends', async () => {
    const port = await startStandIn({
      'GET /silent': () => {},
      'GET /endless': (_request, response) => void response.write('{'),
    });
    const ask = createAsk({ value: undefined, trouble: undefined });
    const base = new URL(`http://127.0.0.1:${port}`);
    for (const path of ['/silent', '/endless']) {
      await expect(ask(base, { method: 'GET', path, timeoutMs: 100 })).rejects.toThrow('within 0.1 s');
    }
  });

  it('is not that the reader has enough', async () => {
    const dump = (_request: unknown, response: ServerResponse): void =>
      void response.end(`Threads of process 1${'\n'.repeat(1e5)}`);
    const port = String(await startStandIn({ 'POST /debug/threads': dump }));
    expect(await runCommand(['stacks', port], { closed: true })).toMatchObject({ code: 0, stderr: '' });
  });
});

describe.runIf(outside)('the token and TLS', () => {
  const TOKEN = 'an-example-secret-of-enough-characters';

  it('are taken from files, and asked for where they are missing', async () => {
    const home = makeHome();
    const [key = '', cert = '', token = ''] = ['key', 'cert', 'token'].map((name) => join(home, name));
    const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
    const subject = ['-subj', '/CN=shop', '-addext', `subjectAltName=IP:127.0.0.1,IP:${outside}`];
    const files = ['-keyout', key, '-out', cert];
    execFileSync('openssl', ['req', '-x509', ...curve, ...subject, ...files], { stdio: 'pipe' });
    writeFileSync(token, `${TOKEN}\n`);
    const { url } = await startApp('app.mjs', { tls: { key, cert }, token: TOKEN, stallThreshold: 60_000 });
    const { port } = new URL(url);
    const trusting = { NODE_EXTRA_CA_CERTS: cert };
    const elsewhere = ['stalls', `https://${outside}:${port}`];
    const [plain, strange, local, stranger, friend, byVariable] = await Promise.all([
      runCommand(['stalls', port]),
      runCommand(['stalls', url]),
      runCommand(['stalls', url], { env: trusting }),
      runCommand(elsewhere, { env: trusting }),
      runCommand([...elsewhere, '--token-file', token], { env: trusting }),
      runCommand(elsewhere, { env: { ...trusting, WATCHDOG_TOKEN_FILE: token } }),
    ]);
    const failed = (why: string) => ({ code: 1, stdout: '', stderr: expect.stringContaining(why) });
    expect(plain).toEqual(failed(`it is https://127.0.0.1:${port}.`));
    expect(strange).toEqual(failed('NODE_EXTRA_CA_CERTS='));
    expect(stranger).toEqual(failed('--token-file FILE'));
    const none = { code: 0, stdout: 'There has been no stall yet.\n', stderr: '' };
    expect([local, friend, byVariable]).toEqual([none, none, none]);
  });
});

describe('top', () => {
  /** Two processes on one port, for want of a second, as a test wants them. */
  async function startHost(): Promise<{ port: string; status: (one: Status) => void }> {
    let now = statusOf();
    const targets: object[] = [];
    const port = await startStandIn({ 'GET /sd': json(() => targets), 'GET /api/state': json(() => now) });
    for (const pid of ['4711', '4712']) {
      targets.push({
        targets: [`127.0.0.1:${port}`],
        labels: { __meta_watchdog_app: 'shop', __meta_watchdog_pid: pid },
      });
    }
    return {
      port: String(port),
      status: (one) => {
        now = one;
      },
    };
  }

  it('is a table in a pipe, and JSON for programs', async () => {
    const { port } = await startHost();
    const [text, programs, narrow] = await Promise.all([
      runCommand(['top', port]),
      runCommand(['top', '--json', port]),
      runCommand(['top', port], { env: { COLUMNS: '70' } }),
    ]);
    expect(text).toMatchObject({ code: 0, stderr: '' });
    expect(text.stdout).toMatch(/^shop: 2 processes, 2 turning\n\n PID .*\n4711 .* turning .*182 MiB\n4712 /);
    const [first, ...more] = JSON.parse(programs.stdout);
    expect(first).toEqual({ url: `http://127.0.0.1:${port}`, pid: 4711, app: 'shop', status: statusOf() });
    expect(more).toHaveLength(1);
    expect(programs.stdout.split('\n')).toHaveLength(5);
    expect(narrow.stdout).not.toContain('RSS');
  });

  it('of a real app shows that it is blocked', async () => {
    const { app, url } = await startApp('culprits.mjs');
    app.send({ deed: 'endless' });
    await eventually(async () => {
      const { stdout } = await runCommand(['top', new URL(url).port]);
      return / blocked .* \w+ in endless \(fixtures\/culprits\.mjs:\d+\)/.test(stdout) || undefined;
    }, 'it shows who blocks');
  });

  describe('in a terminal', () => {
    /** Cursor, wrapping and the screen before are back, and what is typed shows and goes by lines. */
    function expectRestored(output: string, modes: string): void {
      for (const [on, off] of [
        ['?25h', '?25l'],
        ['?7h', '?7l'],
        ['?1049l', '?1049h'],
      ] as const) {
        expect(output.lastIndexOf(`\u001b[${on}`), on).toBeGreaterThan(output.lastIndexOf(`\u001b[${off}`));
      }
      expect(modes).toMatch(/(?<!-)\bicanon\b/);
      expect(modes).toMatch(/(?<!-)\becho\b/);
      expect(modes).toMatch(/(?<!-)\bisig\b/);
    }

    it('draws, again and again, as wide as it is, until q', async () => {
      const { port, status } = await startHost();
      const terminal = await openTerminal(['top', port]);
      await terminal.shows('both', (lines) => lines.filter((line) => /turning/.test(line)).length === 3);
      expect(terminal.output()).not.toContain('\u001b[1;31m');
      status(statusOf([blockedLoop()]));
      const blocked = await terminal.shows('a stall', ([head = '']) => head.includes('2 blocked'));
      expect(blocked[3]).toMatch(
        /^4711 .* blocked +12\.3 s .* cpu in renderInvoice \(src\/invoice\.ts:41\)$/,
      );
      expect(terminal.output()).toContain('\u001b[1;31mblocked\u001b[0m');
      terminal.resize(72, 4);
      const small = await terminal.shows('what has room', (lines) => lines.length === 4);
      expect(Math.max(...small.map((line) => line.length))).toBeLessThanOrEqual(72);
      expect(small.at(-1)).toMatch(/^… and 2 more/);
      const drawn = terminal.drawings();
      await eventually(() => terminal.drawings() > drawn || undefined, 'it is drawn again');
      terminal.type('q');
      const { code, modes } = await terminal.ended;
      expect(code).toBe(0);
      expectRestored(terminal.output(), modes);
    });

    it.each([
      ['SIGINT', 0],
      ['SIGTERM', 143],
      ['Ctrl-C', 0],
    ] as const)(
      'gives the terminal back at %s, without colours if they are not wanted',
      async (how, expected) => {
        const { port, status } = await startHost();
        status(statusOf([loopOf({ state: 'late' })]));
        const terminal = await openTerminal(['top', port], { NO_COLOR: '1', COLUMNS: '75' });
        const lines = await terminal.shows('both', ([head = '']) => head.includes('2 late'));
        expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(75);
        if (how === 'Ctrl-C') terminal.type('\u0003');
        else terminal.signal(how);
        const { code, modes } = await terminal.ended;
        expect(code).toBe(expected);
        expectRestored(terminal.output(), modes);
        // biome-ignore lint/suspicious/noControlCharactersInRegex: what colours
        expect(terminal.output()).not.toMatch(/\u001b\[[\d;]*m/);
      },
    );
  });
});
