import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { NODE } from '../support/child.js';

export const ROOT: string = fileURLToPath(new URL('../..', import.meta.url));

/** Starts the watchdog, scrapes it, and prints whether that brought what it must. */
const USE = `
  const watchdog = startWatchdog(0);
  watchdog.ready
    .then(({ url }) => fetch(url + '/metrics'))
    .then((response) => response.text())
    .then((text) => {
      console.log(text.includes('watchdog_eventloop_turns_total'));
      return watchdog.close();
    });`;
export const IMPORT: string = `import { startWatchdog } from 'event-loop-watchdog';${USE}`;
export const REQUIRE: string = `const { startWatchdog } = require('event-loop-watchdog');${USE}`;

/** The package as it would be published, and the files in it, whichever order npm has them in. */
export function pack(
  into: string,
  from: string = ROOT,
): { readonly tarball: string; readonly files: string[] } {
  const packed = execFileSync('npm', ['pack', '--ignore-scripts', '--json', '--pack-destination', into], {
    cwd: from,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  interface Packed {
    readonly filename: string;
    readonly files: readonly { readonly path: string }[];
  }
  // An array, or an object by name: so npm 11 and 12.
  const [{ filename, files }] = Object.values(JSON.parse(packed)) as [Packed];
  return { tarball: join(into, filename), files: files.map(({ path }) => path).sort() };
}

export interface Project {
  readonly home: string;
  readonly tarball: string;
  /** Where the package lies in it. */
  readonly installed: string;
  write(name: string, text: string): string;
  /** What this program prints. */
  run(file: string, ...flags: string[]): string;
  /** What an app under `register` prints, and what it complains of. */
  runRegistered(file: string, ...flags: ('--import' | '--require')[]): [stdout: string, stderr: string];
  /** What TypeScript has to say of these files. */
  typeCheck(files: readonly string[], compilerOptions?: object): string;
}

/** An empty project, with the package alone: whatever else it needs at run time would be missing. */
export function createProject(): Project {
  const home = mkdtempSync(join(tmpdir(), 'watchdog-package-'));
  const { tarball } = pack(home);
  writeFileSync(join(home, 'package.json'), '{"private":true}');
  execFileSync('npm', ['install', '--offline', '--no-audit', '--no-fund', '--legacy-peer-deps', tarball], {
    cwd: home,
    stdio: 'ignore',
  });
  return {
    home,
    tarball,
    installed: join(home, 'node_modules/event-loop-watchdog'),
    write(name, text) {
      const file = join(home, name);
      writeFileSync(file, text);
      return file;
    },
    run: (file, ...flags) =>
      execFileSync(NODE, ['--no-warnings', ...flags, file], { encoding: 'utf8', timeout: 60_000, cwd: home }),
    runRegistered(file, ...flags) {
      const args = flags.flatMap((flag) => [flag, 'event-loop-watchdog/register']);
      const { stdout, stderr } = spawnSync(NODE, [...args, file], {
        encoding: 'utf8',
        cwd: home,
        env: { PATH: process.env.PATH, WATCHDOG_PORT: '0' },
      });
      return [stdout, stderr];
    },
    typeCheck(files, compilerOptions) {
      const options = { ...STRICT, ...compilerOptions };
      writeFileSync(join(home, 'tsconfig.json'), JSON.stringify({ compilerOptions: options, files }));
      const tsc = join(ROOT, 'node_modules/typescript/bin/tsc');
      return spawnSync(process.execPath, [tsc, '-p', home], { encoding: 'utf8' }).stdout;
    },
  };
}

const STRICT = {
  module: 'nodenext',
  target: 'es2022',
  strict: true,
  noEmit: true,
  // The declarations themselves, too.
  skipLibCheck: false,
  // As TypeScript has it by default, from 6 on.
  types: [],
  typeRoots: [join(ROOT, 'node_modules/@types')],
};
