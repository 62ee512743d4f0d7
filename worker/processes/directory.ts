import { createHash } from 'node:crypto';
import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  opendirSync,
  openSync,
  readlinkSync,
  readSync,
  renameSync,
  rmSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { isIP } from 'node:net';
import { tmpdir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { onDisk } from '../system/own-calls.js';
import { read } from '../system/thread.js';

/** A process with a watchdog, as the others on this host see it. */
export interface Neighbour {
  readonly pid: number;
  /** When it started, in clock ticks since boot; `undefined` where the system does not tell (Linux does). */
  readonly startedAt: string | undefined;
  readonly port: number;
  /** IP address that the port is bound to. */
  readonly host: string;
  /** Place among the processes of the app, from 0. */
  readonly worker: number | undefined;
  readonly tls: boolean;
}

/** What a process tells of itself. */
export type Listing = Pick<Neighbour, 'port' | 'host' | 'worker' | 'tls'>;

/** The processes of one app on this host that have a watchdog. Nothing here throws. */
export interface Directory {
  /** All live ones, this one too, by port. Removes the files of dead ones. */
  list(): readonly Neighbour[];
  /** Shows that this process lives, and lists it anew if its file is gone. To be called each minute or so. */
  stay(): void;
  /** Takes this process off the list. */
  leave(): void;
}

export interface DirectoryOptions {
  /** Called at most once. */
  readonly warn: (message: string) => void;
  /** Temporary directory. The default knows no TMPDIR in a thread without environment: main has to tell. */
  readonly root?: string;
}

const NAME = 'event-loop-watchdog';
const ENTRIES_MAX = 1024;
const ENTRY_MAX_BYTES = 4096;
/**
 * After so long without `stay` a process is taken for dead that cannot be asked. Cleaners of /tmp wait
 * longer.
 */
const FORGET_MS = 24 * 3600 * 1000;

/**
 * Lists this process among those of the app, as a file of its own: no locks, no one in charge, and what a
 * killed process leaves is removed by the next that looks.
 */
export function joinDirectory(app: string, self: Listing, options: DirectoryOptions): Directory {
  const { warn, root = tmpdir() } = options;
  const { port, host, worker, tls } = self;
  const me: Neighbour = { pid: process.pid, startedAt: ownStart(), port, host, worker, tls };
  const scope = hostScopeOfThisProcess();
  const name = nameOf(scope, me);
  let file: string | undefined;
  let here = true;
  let warned = false;

  function attempt<T>(act: () => T, otherwise: T): T {
    try {
      return onDisk(act);
    } catch (error) {
      if (!warned) warn(`GET /sd may not list all processes of the app: ${(error as Error).message}`);
      warned = true;
      return otherwise;
    }
  }
  function enter(): void {
    file = join(openFolder(root, app), name);
    writeWhole(file, JSON.stringify(self, ['port', 'host', 'worker', 'tls']));
  }
  function stay(): void {
    if (!here) return;
    // Anew each time: by a `setuid` of the app it becomes another folder.
    const folder = openFolder(root, app);
    if (file !== join(folder, name) || !touch(file)) enter();
  }
  const others = (): Neighbour[] => survey(openFolder(root, app), scope).filter(({ pid }) => pid !== me.pid);

  attempt(enter, undefined);
  attempt(others, []); // Where nobody ever asks, what killed processes left would pile up.
  return {
    list() {
      attempt(stay, undefined);
      const all = [...(here ? [me] : []), ...attempt(others, [])];
      return all.sort((a, b) => a.port - b.port || a.pid - b.pid);
    },
    stay: () => attempt(stay, undefined),
    leave() {
      here = false;
      try {
        if (file !== undefined) rmSync(file, { force: true });
      } catch {
        // The next that looks removes it.
      }
    },
  };
}

/**
 * The folder of the app, made if it does not exist. Throws if others could write there. In a temporary
 * directory without sticky bit they could still put their own in its scope after this look: what is read has
 * to be of this user, and nothing is removed or replaced but by the names that these files have.
 */
function openFolder(root: string, app: string): string {
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

/**
 * For people in front, exact behind: of the UTF-16 units, since in UTF-8 all lone surrogates are the same.
 */
function folderNameOf(app: string): string {
  const hash = createHash('sha256').update(app, 'utf16le').digest('hex').slice(0, 32);
  const readable = app.toLowerCase().replace(/[^a-z0-9]+/g, '-');
  return `${readable.slice(0, 40).replace(/^-/, '')}-${hash}`;
}

/**
 * Where a pid, a port and a start time mean what they mean here: the boot of this machine, and the pid,
 * network and time namespaces. A folder may be seen from several such places, by containers that share /tmp
 * or by machines that share a disk. A neighbour of another scope is not listed, since its port need not be
 * open at our address; and not removed when its pid is unknown or another's here, since it may live. It is
 * only once it has not shown for a day that it lives, or a container that is killed and replaced again and
 * again would fill the disk.
 */
function hostScopeOfThisProcess(): string {
  const namespaces = ['pid', 'net', 'time'].map((kind) => {
    try {
      return readlinkSync(`/proc/self/ns/${kind}`);
    } catch {
      return ''; // Not Linux, or an old one: there is one such scope.
    }
  });
  const boot = read('/proc/sys/kernel/random/boot_id') ?? '';
  return createHash('sha256')
    .update([boot, ...namespaces].join('\n'))
    .digest('hex')
    .slice(0, 16);
}

/** Of a file: whose it is. */
interface Owner {
  readonly scope: string;
  readonly pid: number;
  readonly startedAt: string | undefined;
}

/**
 * With the start time in the name a file never becomes another process's, and removing it never hits a new
 * one's.
 */
function nameOf(scope: string, { pid, startedAt }: Neighbour): string {
  return `${scope}.${pid}${startedAt === undefined ? '' : `-${startedAt}`}.json`;
}

/** `.new` is a file that is being written. */
const FILE_NAME = /^([0-9a-f]{16})\.([1-9]\d{0,8})(?:-(\d{1,20}))?\.(?:json|new)$/;

function ownerOf(name: string): Owner | undefined {
  const [, scope, pid, startedAt] = FILE_NAME.exec(name) ?? [];
  return scope === undefined ? undefined : { scope, pid: Number(pid), startedAt };
}

/** The live processes of this scope that have a file in the folder. Removes files of dead ones. */
function survey(folder: string, scope: string): Neighbour[] {
  return [...namesIn(folder)].flatMap((name) => {
    const owner = ownerOf(name);
    if (owner === undefined) return [];
    const file = join(folder, name);
    try {
      if (isStale(file, owner, scope)) unlinkSync(file);
      else if (owner.scope === scope && name.endsWith('.json')) return [readListing(file, owner)];
    } catch {
      // Removed meanwhile, or not written by a watchdog: one such file must not hide the others.
    }
    return [];
  });
}

/** As a set: a file system may show a name twice that is written anew meanwhile. */
function namesIn(folder: string): Set<string> {
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

function isStale(file: string, owner: Owner, scope: string): boolean {
  if (owner.scope === scope && !isAlive(owner)) return true;
  const certain = owner.scope === scope && owner.startedAt !== undefined;
  return !certain && Date.now() - lstatSync(file).mtimeMs > FORGET_MS;
}

function isAlive({ pid, startedAt }: Owner): boolean {
  const stat = startedAt === undefined ? undefined : readStat(String(pid));
  // A zombie, which no parent has asked for yet, serves nothing.
  if (stat) return stat.startedAt === startedAt && !/[ZX]/.test(stat.state);
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}

function readStat(pid: string): { pid: number; state: string; startedAt: string } | undefined {
  const stat = read(`/proc/${pid}/stat`);
  if (stat === undefined) return undefined;
  // The name in parentheses may hold anything, a parenthesis too: field 3 follows the last one.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const [state, startedAt] = [fields[0], fields[22 - 3]];
  return state && startedAt ? { pid: Number.parseInt(stat, 10), state, startedAt } : undefined;
}

/** Not if `/proc` is that of another pid namespace: it would tell of other processes. */
function ownStart(): string | undefined {
  const stat = readStat('self');
  return stat?.pid === process.pid ? stat.startedAt : undefined;
}

/** No link is followed, and no pipe without a writer is waited for. */
const READ: number = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
const CREATE: number = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;

/** Throws unless the file is of this user and holds what a watchdog writes. */
function readListing(file: string, { pid, startedAt }: Owner): Neighbour {
  const fd = openSync(file, READ);
  try {
    const stat = fstatSync(fd);
    const uid = process.geteuid?.();
    if (!stat.isFile() || (uid !== undefined && stat.uid !== uid)) throw new Error('not a file of this user');
    const bytes = Buffer.alloc(ENTRY_MAX_BYTES); // What is longer is cut, and then no JSON.
    const length = readSync(fd, bytes);
    return { pid, startedAt, ...checkListing(JSON.parse(bytes.toString('utf8', 0, length))) };
  } finally {
    closeSync(fd);
  }
}

function checkListing({ port, host, worker, tls }: Record<string, unknown>): Listing {
  const isWhole = (value: unknown, least: number, most: number): value is number =>
    Number.isInteger(value) && (value as number) >= least && (value as number) <= most;
  if (!isWhole(port, 1, 65535)) throw new Error('not a port');
  if (typeof host !== 'string' || isIP(host) === 0) throw new Error('not an IP address');
  if (worker !== undefined && !isWhole(worker, 0, 2 ** 31)) throw new Error('not the number of a worker');
  if (typeof tls !== 'boolean') throw new Error('not a boolean');
  return { port, host, worker, tls };
}

/** Written beside and renamed, so that nobody reads half of it. */
function writeWhole(file: string, text: string): void {
  const draft = file.replace(/json$/, 'new');
  rmSync(draft, { force: true }); // Of a sidecar of this process that died while it wrote.
  const fd = openSync(draft, CREATE, 0o600);
  try {
    try {
      writeFileSync(fd, text);
    } finally {
      closeSync(fd);
    }
    renameSync(draft, file);
  } catch (error) {
    rmSync(draft, { force: true });
    throw error;
  }
}

/** @returns whether the file was there to be marked as fresh */
function touch(file: string): boolean {
  try {
    const seconds = Date.now() / 1000;
    lutimesSync(file, seconds, seconds);
    return true;
  } catch {
    return false; // Most likely a cleaner of /tmp took it; if not, writing tells what is wrong.
  }
}
