import { realpathSync, statSync } from 'node:fs';
import { basename, dirname, join, resolve, sep } from 'node:path';
import { readSmallFile } from '../follow-files.js';

const PACKAGE_MAX_BYTES = 2 ** 20;

/**
 * Name of the app: of the nearest package.json with a name above its entry file, else the name of the entry's
 * folder. A package.json inside `node_modules` is that of a tool which runs the app (`next start`): it counts
 * only if there is no other.
 * @param entry the main thread's `process.argv[1]`; without it the working directory is taken
 */
export function appNameOf(entry: string | undefined): string {
  try {
    const folder = entry === undefined ? process.cwd() : folderOf(entry);
    let tool: string | undefined;
    for (let at = folder; ; at = dirname(at)) {
      const name = packageNameIn(at);
      if (name !== undefined && !at.split(sep).includes('node_modules')) return name;
      tool ??= name;
      if (dirname(at) === at) return tool ?? (basename(folder) || 'node');
    }
  } catch {
    return 'node'; // The working directory was removed, say.
  }
}

/** `node app` and `node .` name no file, and a command is often a link into its package. */
function folderOf(entry: string): string {
  let path = resolve(entry);
  try {
    path = realpathSync(path);
    if (statSync(path).isDirectory()) return path;
  } catch {
    // No such file: `app` for `app.js`, say.
  }
  return dirname(path);
}

function packageNameIn(folder: string): string | undefined {
  try {
    const { text } = readSmallFile(join(folder, 'package.json'), PACKAGE_MAX_BYTES);
    const { name } = JSON.parse(text) as { name?: unknown };
    return typeof name === 'string' && name !== '' ? name : undefined;
  } catch {
    return undefined; // None, not readable, or no JSON.
  }
}
