import { execFileSync, spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { NODE } from '../support/child.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const USE = `
  const watchdog = startWatchdog(0);
  watchdog.ready
    .then(({ url }) => fetch(url + '/metrics'))
    .then((response) => response.text())
    .then((text) => {
      console.log(text.includes('watchdog_eventloop_turns_total'));
      return watchdog.close();
    });`;
const IMPORT = `import { startWatchdog } from 'event-loop-watchdog';${USE}`;
const REQUIRE = `const { startWatchdog } = require('event-loop-watchdog');${USE}`;

let home: string;
beforeAll(() => {
  home = mkdtempSync(join(tmpdir(), 'watchdog-package-'));
  const packed = execFileSync('npm', ['pack', '--ignore-scripts', '--json', '--pack-destination', home], {
    cwd: ROOT,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const report = JSON.parse(packed) as { filename: string }[] | Record<string, { filename: string }>;
  const [{ filename } = { filename: '' }] = Object.values(report);
  writeFileSync(join(home, 'package.json'), '{"private":true}');
  // Alone: whatever else the package needs at run time would be missing.
  execFileSync(
    'npm',
    ['install', '--offline', '--no-audit', '--no-fund', '--legacy-peer-deps', join(home, filename)],
    {
      cwd: home,
      stdio: 'ignore',
    },
  );
});
afterAll(() => rmSync(home, { recursive: true, force: true }));

const write = (name: string, text: string): string => {
  const file = join(home, name);
  writeFileSync(file, text);
  return file;
};
const run = (file: string): string =>
  execFileSync(NODE, ['--no-warnings', file], { encoding: 'utf8', timeout: 60_000, cwd: home });

describe('the packed package, installed elsewhere,', () => {
  it('works by import', () => {
    expect(run(write('import.mjs', IMPORT))).toBe('true\n');
  });

  it('works by require', () => {
    expect(run(write('require.cjs', REQUIRE))).toBe('true\n');
  });

  it.each(['--import', '--require'])('watches an app by %s, without a word', (flag) => {
    const app = "console.log(require('event-loop-watchdog').getWatchdog() !== undefined);";
    const { stdout, stderr } = spawnSync(
      NODE,
      [flag, 'event-loop-watchdog/register', write('plain.cjs', app)],
      {
        encoding: 'utf8',
        cwd: home,
        env: { ...process.env, NODE_OPTIONS: '', WATCHDOG_PORT: '0' },
      },
    );
    expect([stdout, stderr]).toEqual(['true\n', '']);
  });

  it.each(['esm', 'cjs'] as const)('works bundled into one file (%s)', async (format) => {
    const entry = write(`entry-${format}.mjs`, IMPORT);
    const outfile = join(home, `bundle.${format === 'esm' ? 'mjs' : 'cjs'}`);
    await build({
      entryPoints: [entry],
      outfile,
      bundle: true,
      platform: 'node',
      format,
      logLevel: 'silent',
    });
    const alone = mkdtempSync(join(tmpdir(), 'watchdog-bundle-'));
    const moved = join(alone, outfile.slice(outfile.lastIndexOf('/') + 1));
    writeFileSync(moved, readFileSync(outfile));
    expect(run(moved)).toBe('true\n');
    rmSync(alone, { recursive: true });
  });
});

describe('the packed package', () => {
  it('brings types, the kit and the licences of what it bundles, and depends on nothing', () => {
    const installed = join(home, 'node_modules/event-loop-watchdog');
    const { dependencies } = JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8'));
    expect(dependencies).toBeUndefined();
    for (const file of [
      'dist/index.d.ts',
      'dist/register.d.ts',
      'dist/licences/comlink.txt',
      'dist/licences/prom-client.txt',
      'observability/grafana/dashboard.json',
      'observability/grafana/fleet.json',
      'observability/prometheus/alerts.yml',
      'LICENSE',
      'README.md',
    ]) {
      expect(existsSync(join(installed, file)), file).toBe(true);
    }
    for (const source of ['src', 'observability/grafana/dashboards']) {
      expect(existsSync(join(installed, source)), source).toBe(false);
    }
  });

  it('declares what is public, in one file, and nothing else', () => {
    const dist = join(home, 'node_modules/event-loop-watchdog/dist');
    const files = readdirSync(dist, { encoding: 'utf8', recursive: true });
    expect(files.filter((file) => file.endsWith('.d.ts')).sort()).toEqual(['index.d.ts', 'register.d.ts']);
    const declarations = readFileSync(join(dist, 'index.d.ts'), 'utf8');
    // What the threads share among themselves, say.
    for (const inner of ['SharedArrayBuffer', 'ResolvedOptions', "from './", 'from "./']) {
      expect(declarations).not.toContain(inner);
    }
    expect(declarations).toContain('* A turn of the loop of at least this many milliseconds is a stall');
  });

  it('type-checks in a strict project', () => {
    write(
      'typed.mts',
      `import { startWatchdog, WatchdogError, type Stall, type Watchdog } from 'event-loop-watchdog';
       const watchdog: Watchdog = startWatchdog(9464, { stallThreshold: 200, labels: { app: 'shop' } });
       watchdog.on('stall', (stall: Stall) => stall.durationMs.toFixed());
       const unwatch: () => void = watchdog.watchPool('pg', () => ({ capacity: 1, active: 0, queued: 0 }));
       const result: Promise<number> = watchdog.pause(async () => 1);
       // @ts-expect-error no such option
       startWatchdog(9464, { stalThreshold: 200 });
       export { unwatch, result, WatchdogError };`,
    );
    expect(typeCheck(['typed.mts'])).toBe('');
  });

  it('shows each public call by an example that type-checks', () => {
    const dist = join(home, 'node_modules/event-loop-watchdog/dist');
    const [index, register] = ['index.d.ts', 'register.d.ts'].map((file) => examplesOf(join(dist, file)));
    expect(new Set(Object.keys(index ?? {}))).toEqual(
      new Set([
        'startWatchdog',
        'getWatchdog',
        'watchThread',
        ...['watchPool', 'on', 'pause', 'pressure', 'metrics', 'close'],
      ]),
    );
    expect(index?.watchPool).toHaveLength(2);
    const all = [...Object.values(index ?? {}), ...Object.values(register ?? {})].flat();
    expect(all).toHaveLength(11);
    // Which an example may use, and the package does not bring.
    symlinkSync(join(ROOT, 'node_modules/piscina'), join(home, 'node_modules/piscina'));
    expect(typeCheck(all.map((code, i) => write(`example-${i}.mts`, code)))).toBe('');
  });
});

/** What TypeScript has to say of these files. */
function typeCheck(files: readonly string[]): string {
  const compilerOptions = {
    module: 'nodenext',
    target: 'es2022',
    strict: true,
    noEmit: true,
    types: ['node'],
    typeRoots: [join(ROOT, 'node_modules/@types')],
  };
  write('tsconfig.json', JSON.stringify({ compilerOptions, files }));
  const tsc = join(ROOT, 'node_modules/typescript/bin/tsc');
  return spawnSync(process.execPath, [tsc, '-p', home], { encoding: 'utf8' }).stdout;
}

/** The code of the examples in a file of declarations, by the name of what they show. */
function examplesOf(file: string): Record<string, string[]> {
  const examples: Record<string, string[]> = {};
  const text = readFileSync(file, 'utf8');
  for (const [, comment = '', declaration = ''] of text.matchAll(
    /\/\*\*((?:(?!\*\/).)*)\*\/\s*(.*?)[\n(<]/gs,
  )) {
    const [, code] = /@example\s+\* ```ts\n(.*?)\s*\* ```/s.exec(comment) ?? [];
    if (code === undefined) continue;
    const name = declaration.split(' ').at(-1) as string;
    examples[name] = [...(examples[name] ?? []), code.replaceAll(/^ *\* ?/gm, '')];
  }
  return examples;
}

it('a release is refused without repository, bugs and homepage', () => {
  const release = (manifest: object): readonly [status: number | null, stderr: string] => {
    const cwd = mkdtempSync(join(tmpdir(), 'watchdog-release-'));
    writeFileSync(join(cwd, 'package.json'), JSON.stringify(manifest));
    const script = join(ROOT, 'test/package/release-check.mjs');
    const { status, stderr } = spawnSync(NODE, [script], { cwd, encoding: 'utf8' });
    rmSync(cwd, { recursive: true });
    return [status, stderr];
  };
  expect(release({ repository: 'a', bugs: 'b', homepage: 'c' })).toEqual([0, '']);
  expect(release({ repository: 'a', homepage: '' })).toEqual([
    1,
    expect.stringContaining('no bugs, no homepage'),
  ]);
});
