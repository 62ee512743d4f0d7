// What the benchmarks compare with and is too heavy for the packages of the tests, installed when it is asked for.
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath, pathToFileURL } from 'node:url';

const FOLDER = fileURLToPath(new URL('../peers', import.meta.url));
const require = createRequire(new URL('../peers/package.json', import.meta.url));

/** What is compared ships its native parts built: nobody's script need run. */
export function installPeers() {
  if (existsSync(`${FOLDER}/node_modules/.package-lock.json`)) return;
  console.log('Peers that are compared are installed ...');
  execFileSync('npm', ['ci', '--ignore-scripts', '--silent'], { cwd: FOLDER, stdio: 'inherit' });
}

/** @param {string} name of a package among them */
export const peer = (name) => import(pathToFileURL(require.resolve(name)).href);
