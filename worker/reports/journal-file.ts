import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
  type Stats,
  writeSync,
} from 'node:fs';
import { printableJson } from '../../src/shared/printable.js';
import { onDisk } from '../system/own-calls.js';

/** At this size the file is set aside as `<file>.1`: at most two of them exist. */
const MAX_BYTES = 10 * 2 ** 20;
/** To set it aside takes two calls of the system. Who holds the lock for longer was killed between them. */
const LOCK_STALE_MS = 60_000;

/** No symbolic link is followed, and no pipe is waited for. */
const FLAGS = constants.O_NOFOLLOW | constants.O_NONBLOCK;
const APPEND = FLAGS | constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT;
const LOCK = FLAGS | constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL;
const MODE = 0o600;

export interface JournalFileOptions {
  /** A line is lost; the first of a series of them says so. */
  readonly onError: (error: Error, first: boolean) => void;
  /** For tests. */
  readonly maxBytes?: number;
  /** For tests: as `fs.writeSync`, which may write less than it is given. */
  readonly write?: (fd: number, bytes: Buffer, offset: number) => number;
}

/**
 * Appends lines to a file, synchronously, so that what was written before a SIGKILL is there after it.
 * Several processes may share the file. Never throws and never waits.
 */
export function openJournalFile(
  file: string,
  { onError, maxBytes = MAX_BYTES, write = writeSync }: JournalFileOptions,
): (line: object) => void {
  let failing = false;
  /** Our last line was not written to its end. */
  let torn = false;
  /** Why the file, which is long enough, is not set aside. */
  let stuck: string | undefined;

  function append(line: string): void {
    const fd = openSync(file, APPEND, MODE);
    try {
      const stat = fstatSync(fd);
      if (stat.isFile() && stat.size > 2 * maxBytes) {
        trySetAside(fd);
        if (stuck !== undefined) throw new Error(`${file} is full, and cannot be set aside: ${stuck}`);
      }
      writeWhole(fd, `${endsAmidLine(stat) ? '\n' : ''}${line}\n`);
      if (stat.isFile() && fstatSync(fd).size > maxBytes) trySetAside(fd);
    } finally {
      closeSync(fd);
    }
  }

  /** A disk that fills up takes a part. */
  function writeWhole(fd: number, text: string): void {
    const bytes = Buffer.from(text);
    let written = 0;
    while (written < bytes.length) {
      const count = write(fd, bytes, written);
      if (count === 0) throw new Error(`${file} takes no more`);
      written += count;
      torn = written < bytes.length;
    }
  }

  /**
   * By a disk that was full, or a process that was killed: ours or another one. The next line would be glued
   * to it.
   */
  function endsAmidLine(stat: Stats): boolean {
    if (!stat.isFile()) return torn;
    if (stat.size === 0) return false;
    try {
      const fd = openSync(file, FLAGS | constants.O_RDONLY);
      try {
        const last = Buffer.alloc(1);
        // Nothing there: it was set aside just now, and this is the next one, whose size we do not know.
        return readSync(fd, last, 0, 1, stat.size - 1) === 1 && last.toString() !== '\n';
      } finally {
        closeSync(fd);
      }
    } catch {
      return torn; // It may be written, but not read.
    }
  }

  function trySetAside(fd: number): void {
    try {
      setAside(file, fd);
      stuck = undefined;
    } catch (error) {
      // Nothing is lost by it for as long again.
      stuck = (error as Error).message;
    }
  }

  return (line) => {
    try {
      const text = printableJson(line);
      onDisk(() => append(text));
      failing = false;
    } catch (error) {
      onError(error as Error, !failing);
      failing = true;
    }
  };
}

/**
 * Several processes see at once that the file is long enough. When the first has renamed it there is soon a
 * new one of that name, and the second would put this one, with its few lines, in the place of the first:
 * hence the lock, and under it the look whether the name still means what we have open. Who has opened the
 * file and not written yet writes to `<file>.1`.
 */
function setAside(file: string, fd: number): void {
  const lock = `${file}.lock`;
  if (!take(lock)) throw new Error(`${lock} is there already`);
  try {
    const ours = fstatSync(fd, { bigint: true });
    const named = lstatSync(file, { bigint: true, throwIfNoEntry: false });
    if (named?.ino === ours.ino && named.dev === ours.dev) renameSync(file, `${file}.1`);
  } finally {
    rmSync(lock, { force: true });
  }
}

/** @returns whether it is ours; else another process is at it, or was: then the next line tries again */
function take(lock: string): boolean {
  try {
    closeSync(openSync(lock, LOCK, MODE));
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
  const held = lstatSync(lock, { throwIfNoEntry: false });
  // Either way: clocks are set back.
  if (held && Math.abs(Date.now() - held.mtimeMs) > LOCK_STALE_MS) rmSync(lock, { force: true });
  return false;
}
