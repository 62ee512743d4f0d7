import {
  closeSync,
  constants,
  fstatSync,
  lutimesSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { isIP } from 'node:net';
import type { Owner } from './liveness.js';

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

const ENTRY_MAX_BYTES = 4096;

/** With the start time in the name a file never becomes another process's, nor does its removal hit one. */
export function nameOf(scope: string, { pid, startedAt }: Neighbour): string {
  return `${scope}.${pid}${startedAt === undefined ? '' : `-${startedAt}`}.json`;
}

/** `.new` is a file that is being written. */
const FILE_NAME = /^([0-9a-f]{16})\.([1-9]\d{0,8})(?:-(\d{1,20}))?\.(?:json|new)$/;

export function ownerOf(name: string): Owner | undefined {
  const [, scope, pid, startedAt] = FILE_NAME.exec(name) ?? [];
  return scope === undefined ? undefined : { scope, pid: Number(pid), startedAt };
}

/** No link is followed, and no pipe without a writer is waited for. */
const READ: number = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
const CREATE: number = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;

/** Throws unless the file is of this user and holds what a watchdog writes. */
export function readListing(file: string, { pid, startedAt }: Owner): Neighbour {
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
export function writeWhole(file: string, text: string): void {
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
export function touch(file: string): boolean {
  try {
    const seconds = Date.now() / 1000;
    lutimesSync(file, seconds, seconds);
    return true;
  } catch {
    return false; // Most likely a cleaner of /tmp took it; if not, writing tells what is wrong.
  }
}
