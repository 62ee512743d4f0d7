import { execFileSync, spawn } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { appNameOf } from '../../../../worker/processes/app-name.js';
import { type Directory, joinDirectory } from '../../../../worker/processes/directory.js';
import { serviceDiscovery } from '../../../../worker/processes/discovery.js';
import type { Listing, Neighbour } from '../../../../worker/processes/listing.js';
import { type Child, killChildren, startChild } from '../../../support/child.js';
import { eventually } from '../../../support/eventually.js';

const LINUX = process.platform === 'linux';
const UID = process.geteuid?.();
const APP = '@scope/shop';
const ME: Listing = { port: 9464, host: '::', worker: undefined, tls: false };

/** Joins when told to, lists at once, and then whenever asked. */
const PEER = `
  import { joinDirectory } from './directory.mjs';
  const warnings = [];
  let enter;
  let directory;
  process.on('message', ({ join, list, leave, again }) => {
    const warn = (text) => warnings.push(text);
    if (join) enter = () => joinDirectory(join.app, join.self, { root: join.root, warn });
    if (join) directory = enter();
    if (join || list) process.send({ list: directory.list(), warnings });
    if (leave) directory.leave();
    if (leave) process.send({ left: true });
    for (let times = 0; times < again; times++) enter();
    if (again) process.send({ done: true });
  });
  process.on('disconnect', () => process.exit());
  process.send({ up: true });`;

let home: string;
let root: string;
let warnings: string[];
beforeAll(async () => {
  home = realpathSync(mkdtempSync(join(tmpdir(), 'watchdog-peers-')));
  await build({
    entryPoints: [fileURLToPath(new URL('../../../../worker/processes/directory.ts', import.meta.url))],
    outfile: join(home, 'directory.mjs'),
    bundle: true,
    platform: 'node',
    format: 'esm',
    logLevel: 'silent',
  });
  writeFileSync(join(home, 'peer.mjs'), PEER);
});
beforeEach(() => {
  root = mkdtempSync(join(home, 'root-'));
  warnings = [];
});
afterEach(async () => {
  await killChildren();
  rmSync(root, { recursive: true });
});
afterAll(() => rmSync(home, { recursive: true, force: true }));

const enter = (app = APP, self: Listing = ME): Directory =>
  joinDirectory(app, self, { root, warn: (text) => warnings.push(text) });
const ports = (list: readonly Neighbour[]): number[] => list.map(({ port }) => port);
/** The files of a directory and all below it. */
const filesOf = (directory: string): string[] =>
  readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name));
const fileOf = (pid: number | undefined): string =>
  filesOf(root).find((file) => new RegExp(`\\.${pid}[-.]`).test(basename(file))) ??
  expect.fail(`process ${pid} has no file`);
const foldersOf = (): string[] => readdirSync(root).flatMap((ours) => readdirSync(join(root, ours)));

function tellToJoin(child: Child, port: number): void {
  child.send({ join: { app: APP, root, self: { ...ME, port, worker: port - 1 } } });
}
async function startPeer(port: number): Promise<Child> {
  const child = startChild(join(home, 'peer.mjs'));
  await child.message('up');
  tellToJoin(child, port);
  await child.message('list');
  return child;
}

describe('the directory of an app’s processes', () => {
  it('lists the live ones by port, and removes what a killed one left', async () => {
    const peer = await startPeer(7);
    const directory = enter();
    expect(directory.list()).toEqual([
      {
        pid: peer.process.pid,
        startedAt: LINUX ? expect.stringMatching(/^\d+$/) : undefined,
        port: 7,
        host: '::',
        worker: 6,
        tls: false,
      },
      { ...ME, pid: process.pid, startedAt: LINUX ? expect.stringMatching(/^\d+$/) : undefined },
    ]);
    expect(enter('another app').list()).toHaveLength(1);
    const file = fileOf(peer.process.pid);
    await peer.kill('SIGKILL');
    expect(ports(directory.list())).toEqual([9464]);
    expect(existsSync(file)).toBe(false);
    expect(warnings).toEqual([]);
  });

  it('removes what a killed one left when the next one starts, though nobody asks for the list', async () => {
    const peer = await startPeer(7);
    await peer.kill('SIGKILL');
    const file = fileOf(peer.process.pid);
    enter();
    expect(existsSync(file)).toBe(false);
  });

  it.runIf(LINUX)('does not take a process for another that had its pid before', async () => {
    const peer = await startPeer(7);
    const file = fileOf(peer.process.pid);
    const old = file.replace(/-\d+\.json$/, '-1.json');
    renameSync(file, old);
    expect(ports(enter().list())).toEqual([9464]);
    expect(existsSync(old)).toBe(false);
  });

  it.runIf(LINUX)('takes a process that has ended for dead also before its parent has asked', async () => {
    const directory = enter();
    // The child ends with its input, and that when its parent has become one that asks for no child.
    const parent = spawn('sh', ['-c', 'exec 3<&0; cat <&3 & echo $!; exec sleep 60']);
    const pid = await new Promise<number>((resolve) => parent.stdout.once('data', (data) => resolve(+data)));
    const parentName = (): string => readFileSync(`/proc/${parent.pid}/comm`, 'utf8');
    await eventually(() => parentName() === 'sleep\n' || undefined, 'the parent sleeps');
    parent.stdin.end();
    const fields = await eventually(() => {
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
      return stat.includes(') Z ') && stat.slice(stat.lastIndexOf(')')).split(' ');
    }, 'the child is a zombie');
    const mine = fileOf(process.pid);
    const file = mine.replace(/\.\d+-\d+\.json$/, `.${pid}-${(fields || [])[20]}.json`);
    writeFileSync(file, readFileSync(mine));
    expect(ports(directory.list())).toEqual([9464]);
    expect(existsSync(file)).toBe(false);
    parent.kill();
  });

  it('neither lists nor removes processes of other containers until they are unseen for a day', async () => {
    const peer = await startPeer(7);
    const directory = enter();
    const file = fileOf(peer.process.pid);
    const foreign = join(file, '..', `0123456789abcdef.${basename(file).split('.')[1]}.json`);
    const gone = join(file, '..', '0123456789abcdef.999999999-1.json');
    renameSync(file, foreign);
    writeFileSync(gone, readFileSync(foreign));
    expect(ports(directory.list())).toEqual([9464]);
    expect([existsSync(foreign), existsSync(gone)]).toEqual([true, true]);
    const hoursAgo = (hours: number): number => Date.now() / 1000 - hours * 3600;
    utimesSync(gone, hoursAgo(25), hoursAgo(25));
    utimesSync(foreign, hoursAgo(23), hoursAgo(23));
    directory.list();
    expect([existsSync(foreign), existsSync(gone)]).toEqual([true, false]);
  });

  it('shows that it lives, and comes back when a cleaner of /tmp took its file or all of them', async () => {
    const directory = enter();
    const file = fileOf(process.pid);
    utimesSync(file, 1, 1);
    directory.stay();
    expect(Date.now() - lstatSync(file).mtimeMs).toBeLessThan(3_600_000);
    rmSync(file);
    directory.stay();
    expect(existsSync(file)).toBe(true);
    for (const entry of readdirSync(root)) rmSync(join(root, entry), { recursive: true });
    const peer = await startPeer(7);
    expect(ports(directory.list())).toEqual([7, 9464]);
    peer.send({ list: true });
    expect(await peer.message('list')).toHaveLength(2);
    expect(warnings).toEqual([]);
  });

  it('lists a process no more that has left, whatever it does then', async () => {
    const peer = await startPeer(7);
    const directory = enter();
    directory.leave();
    directory.stay();
    expect(ports(directory.list())).toEqual([7]);
    peer.send({ list: true });
    expect(ports(await peer.message('list'))).toEqual([7]);
    peer.send({ leave: true });
    await peer.message('left');
    directory.leave();
    expect(filesOf(root)).toEqual([]);
    // As a sidecar does that takes the place of a dead one, on another port.
    expect(ports(enter(APP, { ...ME, port: 12 }).list())).toEqual([12]);
    enter(APP, { ...ME, port: 13 });
    peer.send({ list: true });
    expect(ports(await peer.message('list'))).toEqual([13]);
  });

  it('never shows half of what a process tells', async () => {
    const peer = await startPeer(7);
    const file = fileOf(peer.process.pid);
    peer.send({ again: 500 });
    let done = false;
    void peer.message('done').then(() => {
      done = true;
    });
    while (!done) {
      expect(JSON.parse(readFileSync(file, 'utf8'))).toMatchObject({ port: 7 });
      await new Promise(setImmediate);
    }
  });

  it('stands many that join and ask at the same time', async () => {
    const wanted = Array.from({ length: 12 }, (_, index) => index + 1);
    const peers = wanted.map(() => startChild(join(home, 'peer.mjs')));
    await Promise.all(peers.map((peer) => peer.message('up')));
    peers.forEach((peer, index) => {
      tellToJoin(peer, wanted[index] ?? 0);
    });
    const first = await Promise.all(peers.map((peer) => peer.message<Neighbour[]>('list')));
    first.forEach((list, index) => {
      expect(ports(list)).toContain(wanted[index]);
    });
    for (const peer of peers) peer.send({ list: true });
    for (const peer of peers) expect(ports(await peer.message('list'))).toEqual(wanted);
    for (const peer of peers) peer.send({ list: true });
    for (const peer of peers) expect(await peer.message('warnings')).toEqual([]);
  });
});

describe('what else is found in the temporary directory', () => {
  it.runIf(UID !== undefined)(
    'is refused, with one warning, unless it is a directory of this user alone',
    () => {
      const ours = join(root, `event-loop-watchdog-${UID}`);
      const target = mkdtempSync(join(home, 'target-'));
      const cases: Record<string, () => void> = {
        'is not a directory': () => symlinkSync(target, ours),
        'can be written by others': () => {
          mkdirSync(ours);
          chmodSync(ours, 0o770);
        },
        EEXIST: () => writeFileSync(ours, ''),
        ...(UID === 0 && {
          'belongs to another user': () => {
            mkdirSync(ours, 0o700);
            chownSync(ours, 12_345, 0);
          },
        }),
      };
      for (const [reason, prepare] of Object.entries(cases)) {
        warnings = [];
        prepare();
        const directory = enter();
        expect(ports(directory.list()), reason).toEqual([9464]);
        directory.stay();
        directory.leave();
        expect(warnings, reason).toEqual([
          expect.stringContaining(reason === 'EEXIST' ? 'not a directory' : reason),
        ]);
        expect(existsSync(`${ours}/.`) ? readdirSync(ours) : [], reason).toEqual([]);
        rmSync(ours, { recursive: true });
      }
      expect(readdirSync(target)).toEqual([]);
    },
  );

  it('is refused, too, when the folder became a link, and taken when it is a folder again', async () => {
    const peer = await startPeer(7);
    const directory = enter();
    const folder = join(fileOf(process.pid), '..');
    renameSync(folder, `${folder}.real`);
    symlinkSync(`${folder}.real`, folder);
    for (let times = 0; times < 3; times++) expect(ports(directory.list())).toEqual([9464]);
    rmSync(folder);
    renameSync(`${folder}.real`, folder);
    expect(ports(directory.list())).toEqual([7, 9464]);
    expect(warnings).toHaveLength(1);
    expect(existsSync(fileOf(peer.process.pid))).toBe(true);
  });

  it.each([
    ['it is missing', () => join(root, 'missing')],
    ['it has no absolute path', () => relative('.', root)],
  ])('cannot be used when %s', (_, rootOf) => {
    const directory = joinDirectory(APP, ME, { root: rootOf(), warn: (text) => warnings.push(text) });
    expect(ports(directory.list())).toEqual([9464]);
    directory.leave();
    expect(warnings).toHaveLength(1);
    expect(readdirSync(root)).toEqual([]);
  });

  it('is for nobody else to see', () => {
    enter();
    const file = fileOf(process.pid);
    const modes = [join(file, '../../../..'), join(file, '..'), file].map(
      (path) => lstatSync(path).mode & 0o777,
    );
    if (UID !== undefined) expect(modes).toEqual([0o700, 0o700, 0o600]);
  });

  it('is ignored where it is not what a watchdog writes, under the name of a live process', async () => {
    const peer = await startPeer(7);
    const directory = enter();
    const file = fileOf(peer.process.pid);
    const good = JSON.parse(readFileSync(file, 'utf8'));
    const broken: unknown[] = [
      null,
      [],
      7,
      'text',
      {},
      ...[0, 65_536, -1, 1.5, '7', null, undefined].map((port) => ({ ...good, port })),
      ...['example.org', '', 7, null, '::1\n'].map((host) => ({ ...good, host })),
      ...[-1, 0.5, '1', null].map((worker) => ({ ...good, worker })),
      ...['yes', 1, null, undefined].map((tls) => ({ ...good, tls })),
      { ...good, padding: 'x'.repeat(10_000) },
    ];
    for (const text of ['', '{', '\0', ...broken.map((value) => JSON.stringify(value))]) {
      writeFileSync(file, text);
      expect(ports(directory.list()), text.slice(0, 100)).toEqual([9464]);
    }
    writeFileSync(file, JSON.stringify({ ...good, since: 'a later version', pid: 1, startedAt: '1' }));
    expect(directory.list()[0]).toMatchObject({ port: 7, pid: peer.process.pid });

    const outside = join(root, 'outside.json');
    renameSync(file, outside);
    symlinkSync(outside, file);
    expect(ports(directory.list())).toEqual([9464]);
    rmSync(file);
    mkdirSync(file);
    expect(ports(directory.list())).toEqual([9464]);
    rmSync(file, { recursive: true });
    if (UID !== undefined) {
      execFileSync('mkfifo', [file]); // Opening it would wait for a writer.
      expect(ports(directory.list())).toEqual([9464]);
      rmSync(file);
    }
    if (UID === 0) {
      writeFileSync(file, JSON.stringify(good));
      chownSync(file, 12_345, 0);
      expect(ports(directory.list())).toEqual([9464]);
    }
    expect(warnings).toEqual([]);
  });

  it('is left alone where it has other names', () => {
    const directory = enter();
    const folder = join(fileOf(process.pid), '..');
    const names = ['README', '1.json', 'x.json', `${'0'.repeat(16)}.0.json`, `${'0'.repeat(16)}.01-1.json`];
    for (const name of names) writeFileSync(join(folder, name), '{}');
    expect(directory.list()).toHaveLength(1);
    expect(readdirSync(folder)).toHaveLength(names.length + 1);
  });
});

describe('the name of an app', () => {
  it('makes a folder of its own below the temporary directory, whatever it holds', () => {
    const names = [
      ...[
        'a',
        'A',
        'a ',
        '..',
        '.',
        '',
        '/',
        '../../a',
        '@a/b',
        'a/b',
        'a-b',
        'a\0b',
        'C:\\a',
        'con',
        '\ud800',
      ],
      ...[
        '\ud801',
        '\ufffd',
        'é',
        'e\u0301',
        'x'.repeat(500),
        `${'x'.repeat(499)}y`,
        '犬'.repeat(500),
        '__proto__',
      ],
    ];
    const around = readdirSync(home);
    for (const name of names) expect(enter(name).list(), name).toHaveLength(1);
    expect(warnings).toEqual([]);
    expect(new Set(foldersOf().map((name) => name.toLowerCase())).size).toBe(names.length);
    expect(filesOf(root)).toHaveLength(names.length);
    expect(readdirSync(root)).toHaveLength(1);
    expect(readdirSync(home)).toEqual(around);
    for (const folder of foldersOf()) expect(folder).toMatch(/^[a-z0-9-]{1,80}$/);
  });

  it('is that of the nearest package.json with one, else of the folder', () => {
    const at = (path: string, text?: string): string => {
      const file = join(root, path);
      mkdirSync(join(file, '..'), { recursive: true });
      if (text !== undefined) writeFileSync(file, text);
      return file;
    };
    expect(appNameOf(at('plain/main.js', ''))).toBe('plain');
    at('shop/package.json', '{"name":"@acme/shop"}');
    at('shop/dist/package.json', '{"type":"module"}');
    at('shop/dist/esm/package.json', 'no JSON');
    at('shop/dist/esm/deep/package.json', '{"name":7}');
    expect(appNameOf(at('shop/dist/esm/deep/main.js', ''))).toBe('@acme/shop');
    // node dist/missing, for missing.js
    expect(appNameOf(join(root, 'shop/dist/missing'))).toBe('@acme/shop');
    expect(appNameOf(join(root, 'shop'))).toBe('@acme/shop'); // node .
    symlinkSync(join(root, 'shop/dist/esm/deep/main.js'), at('bin/shop'));
    expect(appNameOf(join(root, 'bin/shop'))).toBe('@acme/shop');
    at('shop/node_modules/next/package.json', '{"name":"next"}');
    expect(appNameOf(at('shop/node_modules/next/bin/next', ''))).toBe('@acme/shop');
    at('lib/node_modules/tool/package.json', '{"name":"tool"}');
    expect(appNameOf(at('lib/node_modules/tool/bin.js', ''))).toBe('tool');
    expect(appNameOf('/')).toBe('node');
    expect(appNameOf('\0')).toEqual(expect.any(String));
    expect(appNameOf(undefined)).toEqual(expect.stringMatching(/./));
  });
});

describe('the list for Prometheus', () => {
  it('has each process as a target at the asker’s name, with its worker as a label', () => {
    const one: Neighbour = { ...ME, pid: 5, startedAt: undefined };
    const two: Neighbour = { ...ME, pid: 6, startedAt: '9', port: 9465, worker: 0, tls: true };
    expect(serviceDiscovery([one, two], APP, 'web-1')).toEqual([
      { targets: ['web-1:9464'], labels: { __meta_watchdog_app: APP, __meta_watchdog_pid: '5' } },
      {
        targets: ['web-1:9465'],
        labels: {
          __meta_watchdog_app: APP,
          __meta_watchdog_pid: '6',
          __scheme__: 'https',
          worker: '0',
        },
      },
    ]);
    const targetAt = (host: string) => serviceDiscovery([one], APP, host)[0]?.targets[0];
    expect(targetAt('10.0.0.5')).toBe('10.0.0.5:9464');
    expect(targetAt('fd00::5')).toBe('[fd00::5]:9464');
    expect(targetAt('[fd00::5]')).toBe('[fd00::5]:9464');
  });
});
