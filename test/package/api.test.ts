// What a release would be, so that each change of it is a diff: `npm run api` writes it down.
import { execFileSync } from 'node:child_process';
import { cpSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { makeHome } from '../support/home.js';
import { pack, ROOT } from './project.js';

const here = (file: string): string => join(import.meta.dirname, file);
const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
  exports: Record<string, unknown>;
  files: string[];
};

/** The declarations of a door, without what they say in words. */
const shapes = (door: string): string =>
  readFileSync(join(ROOT, 'dist', `${door}.d.cts`), 'utf8')
    .replaceAll(/^ *\/\*\*[\s\S]*?\*\/\n/gm, '')
    .trimEnd();

it('the public API is the one in API.md (else: npm run api)', async () => {
  const doors = Object.keys(manifest.exports).filter((path) => path !== './package.json');
  const sections = doors.map((path) => {
    const code = shapes(path === '.' ? 'index' : path.slice(2));
    return `## event-loop-watchdog${path.slice(1)}\n\n\`\`\`ts\n${code}\n\`\`\`\n`;
  });
  const head = '# What is public\n\nWritten by `npm run api`. What it means is in the TSDoc of `src/`.\n';
  await expect([head, ...sections].join('\n')).toMatchFileSnapshot(here('API.md'));
});

it('the tarball has the files in tarball.txt (else: npm run api)', async () => {
  const { files } = pack(makeHome());
  await expect(`${files.join('\n')}\n`).toMatchFileSnapshot(here('tarball.txt'));
});

it('the tarball has the same bytes, wherever and whenever it is built', () => {
  const elsewhere = makeHome();
  const sources = [
    'src',
    'worker',
    'esbuild.config.mjs',
    'tsconfig.json',
    'package.json',
    'README.md',
    'LICENSE',
  ];
  const shipped = manifest.files.filter((file) => !file.startsWith('!') && file !== 'dist');
  for (const file of [...sources, ...shipped])
    cpSync(join(ROOT, file), join(elsewhere, file), { recursive: true });
  symlinkSync(join(ROOT, 'node_modules'), join(elsewhere, 'node_modules'));
  execFileSync(process.execPath, ['esbuild.config.mjs'], { cwd: elsewhere, stdio: 'ignore' });
  const [one, other] = [ROOT, elsewhere].map((folder) => readFileSync(pack(makeHome(), folder).tarball));
  expect(one?.equals(other as Buffer)).toBe(true);
});
