import { createHash } from 'node:crypto';
import { lstatSync, mkdirSync, opendirSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';

const NAME = 'event-loop-watchdog';
const ENTRIES_MAX = 1024;

/**
 * The folder of the app, made if it does not exist. Throws if others could write there. In a temporary
 * directory without sticky bit they could still put their own in its scope after this look: what is read has
 * to be of this user, and nothing is removed or replaced but by the names that these files have.
 */
export function openFolder(root: string, app: string): string {
  // Windows without TEMP, for instance: it would be a folder below the app's own.
  if (!isAbsolute(root)) throw new Error(`${root} is not an absolute path`);
  const uid = process.geteuid?.();
  const ours = join(root, uid === undefined ? NAME : `${NAME}-${uid}`);
  const folder = join(ours, folderNameOf(app));
  for (const directory of [ours, folder]) {
    makeDirectory(directory);
    const stat = lstatSync(directory);
    if (!stat.isDirectory()) throw new Error(`${directory} is not a directory`);
    // Windows has neither owners nor modes here; its TEMP is each user's own.
    if (uid === undefined) continue;
    if (stat.uid !== uid) throw new Error(`${directory} belongs to another user`);
    if (stat.mode & 0o022) throw new Error(`${directory} can be written by others`);
  }
  return folder;
}

function makeDirectory(directory: string): void {
  try {
    mkdirSync(directory, 0o700);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}

/** For people in front, exact behind: of the UTF-16 units, as in UTF-8 all lone surrogates are the same. */
function folderNameOf(app: string): string {
  const hash = createHash('sha256').update(app, 'utf16le').digest('hex').slice(0, 32);
  const readable = app.toLowerCase().replace(/[^a-z0-9]+/g, '-');
  return `${readable.slice(0, 40).replace(/^-/, '')}-${hash}`;
}

/** As a set: a file system may show a name twice that is written anew meanwhile. */
export function namesIn(folder: string): Set<string> {
  const names = new Set<string>();
  const directory = opendirSync(folder);
  try {
    for (let entry = directory.readSync(); entry; entry = directory.readSync()) {
      if (names.add(entry.name).size === ENTRIES_MAX) break;
    }
  } finally {
    directory.closeSync();
  }
  return names;
}
