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
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { NODE } from '../support/child.js';
import { makeFiles } from '../support/home.js';
import { createProject, IMPORT, type Project, REQUIRE, ROOT } from './project.js';

const DECLARATIONS = ['express', 'fastify', 'index', 'register'].flatMap((door) => [
  `${door}.d.cts`,
  `${door}.d.ts`,
]);

let project: Project;
beforeAll(() => {
  project = createProject();
});
afterAll(() => rmSync(project.home, { recursive: true, force: true }));

describe('the packed package, installed elsewhere,', () => {
  it('works by import', () => {
    expect(project.run(project.write('import.mjs', IMPORT))).toBe('true\n');
  });

  it('works by require, also where that takes no ES module: in Jest, with Yarn PnP', () => {
    const file = project.write('require.cjs', REQUIRE);
    expect(project.run(file, '--no-experimental-require-module')).toBe('true\n');
  });

  it('stands beside any version of what it can look into, which npm refuses even of optional peers', () => {
    const { peerDependencies } = JSON.parse(readFileSync(join(project.installed, 'package.json'), 'utf8'));
    const names = Object.keys(peerDependencies);
    const olds = names.map((name) => [`${name}/package.json`, JSON.stringify({ name, version: '0.0.1' })]);
    const dependencies = Object.fromEntries(names.map((name) => [name, `file:${name}`]));
    const files = Object.fromEntries([...olds, ['package.json', JSON.stringify({ dependencies })]]);
    const args = ['install', '--offline', '--no-audit', '--no-fund', project.tarball];
    const options = { cwd: makeFiles(files), encoding: 'utf8' } as const;
    const { status, stderr } = spawnSync('npm', args, options);
    expect(status, stderr).toBe(0);
  });

  it('brings the command', () => {
    const { version } = JSON.parse(readFileSync(join(project.installed, 'package.json'), 'utf8'));
    const args = ['--offline', 'event-loop-watchdog', '--version'];
    expect(execFileSync('npx', args, { cwd: project.home, encoding: 'utf8' })).toBe(`${version}\n`);
  });

  it.each(['--import', '--require'] as const)('watches an app by %s, without a word', (flag) => {
    const app = "console.log(require('event-loop-watchdog').getWatchdog() !== undefined);";
    expect(project.runRegistered(project.write('plain.cjs', app), flag)).toEqual(['true\n', '']);
  });

  it.each(['esm', 'cjs'] as const)('works bundled into one file (%s)', async (format) => {
    const entry = project.write(`entry-${format}.mjs`, IMPORT);
    const outfile = join(project.home, `bundle.${format === 'esm' ? 'mjs' : 'cjs'}`);
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
    expect(project.run(moved)).toBe('true\n');
    rmSync(alone, { recursive: true });
  });
});

describe('the packed package', () => {
  it('brings types, the kit and the licences of what it bundles, and depends on nothing', () => {
    const { installed } = project;
    const { dependencies } = JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8'));
    expect(dependencies).toBeUndefined();
    for (const file of [
      ...DECLARATIONS.map((file) => `dist/${file}`),
      'dist/licences/bufbuild-protobuf.txt',
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

  it('declares what is public, in one file a door, and nothing else', () => {
    const dist = join(project.installed, 'dist');
    const files = readdirSync(dist, { encoding: 'utf8', recursive: true });
    expect(files.filter((file) => /\.d\.[cm]?ts$/.test(file)).sort()).toEqual(DECLARATIONS);
    const read = (name: string): string => readFileSync(join(dist, `${name}.d.cts`), 'utf8');
    for (const name of ['index', 'express', 'fastify']) {
      // What the threads share among themselves, say.
      for (const inner of ['SharedArrayBuffer', 'ResolvedOptions', "from './", 'from "./'])
        expect(read(name)).not.toContain(inner);
      // Of Fastify or Express, say, whose types may be absent.
      expect(read(name)).not.toMatch(/^import .* from "(?!node:)/m);
    }
    expect(read('index')).toContain('* A turn of the loop of at least this many milliseconds is a stall');
  });

  it('type-checks in a strict project', () => {
    project.write(
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
    expect(project.typeCheck(['typed.mts'])).toBe('');
    // The least that the types of Node.js 20 ask for.
    expect(project.typeCheck(['typed.mts'], { target: 'es2020', lib: ['es2020'] })).toBe('');
  });

  it('shows each public call by an example that type-checks', () => {
    const dist = join(project.installed, 'dist');
    const [index, ...others] = ['index.d.cts', 'register.d.ts', 'express.d.cts', 'fastify.d.cts'].map(
      (file) => examplesOf(join(dist, file)),
    );
    expect(new Set(Object.keys(index ?? {}))).toEqual(
      new Set([
        'startWatchdog',
        'getWatchdog',
        'watchThread',
        ...['watchPool', 'on', 'pause', 'pressure', 'metrics', 'close'],
      ]),
    );
    expect(index?.watchPool).toHaveLength(2);
    const all = [index, ...others].flatMap((examples) => Object.values(examples ?? {})).flat();
    expect(all).toHaveLength(13);
    // Which an example may use, and the package does not bring.
    for (const name of ['piscina', 'fastify'])
      symlinkSync(join(ROOT, 'node_modules', name), join(project.home, 'node_modules', name));
    const files = all.map((code, i) => project.write(`example-${i}.mts`, code));
    expect(project.typeCheck(files, { skipLibCheck: true })).toBe('');
  });
});

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

describe('a release', () => {
  const check = (files: Readonly<Record<string, string>>, tag?: string): readonly [number | null, string] => {
    const script = join(ROOT, 'test/package/release-check.mjs');
    const env = { ...process.env, GITHUB_REF_TYPE: tag && 'tag', GITHUB_REF_NAME: tag };
    const { status, stderr } = spawnSync(NODE, [script], { cwd: makeFiles(files), encoding: 'utf8', env });
    return [status, stderr];
  };
  const manifest = {
    name: 'a',
    version: '1.2.3',
    files: ['dist'],
    repository: 'a',
    bugs: 'b',
    homepage: 'c',
  };
  const good = {
    'package.json': JSON.stringify(manifest),
    'CHANGELOG.md': '# Changelog\n\n## 1.2.3 (2026-01-31)\n\n## 1.2.2 (2026-01-30)\n',
    'README.md': '',
    'dist/a.js': '',
    'test/package/tarball.txt': 'README.md\ndist/a.js\npackage.json\n',
  };

  it("is let pass with a page, a version that is the changelog's and the tag's, and the files that are listed", () => {
    expect(check(good, 'v1.2.3')).toEqual([0, '']);
    expect(check(good)).toEqual([0, '']);
  });

  it('is refused for each of these that it lacks', () => {
    const bad = {
      ...good,
      'package.json': JSON.stringify({ ...manifest, bugs: undefined, homepage: '' }),
      'CHANGELOG.md': '# Changelog\n\n## 1.2.3 (unreleased)\n',
      'README.md': 'It is not on npm yet.\n',
      'dist/b.js': '',
      'test/package/tarball.txt': 'README.md\ndist/a.js\ndist/c.js\npackage.json\n',
    };
    const [status, stderr] = check(bad, 'v1.2.4');
    expect(status).toBe(1);
    expect(stderr.trim().split('\n')).toEqual([
      "package.json has no bugs, no homepage: the registry's page would lead nowhere.",
      'CHANGELOG.md begins with "1.2.3 (unreleased)", and not with "1.2.3 (year-month-day)".',
      'README.md says that it is not on npm yet.',
      'The tag is v1.2.4, and the version 1.2.3.',
      'The tarball would have dist/b.js.',
      'The tarball would lack dist/c.js.',
    ]);
    expect(check({ ...bad, 'CHANGELOG.md': '## 1.2.2 (2026-01-30)\n' })[1]).toContain('begins with "1.2.2 (');
  });
});
