import { closeSync, constants, fstatSync, openSync, writeSync } from 'node:fs';
import { printable } from '../src/shared/printable.js';
import { onDisk } from './system/own-calls.js';

const STDERR = 2;
/** The app's standard error as a new description of the same pipe or terminal: its flags are ours alone. */
const OWN_STDERR = `/proc/self/fd/${STDERR}`;
const FLAGS = constants.O_WRONLY | constants.O_APPEND | constants.O_NONBLOCK | constants.O_NOCTTY;

/** The pipe took only a part of the last line: the next one begins anew. */
let cutOff = false;

/**
 * Writes a line to standard error without the main thread, whose streams wait for it, and without waiting for
 * the reader of a full pipe: then the line is lost.
 * @returns whether the line is out
 */
export function writeLine(line: string): boolean {
  const bytes = Buffer.from(`${cutOff ? '\n' : ''}${printable(line)}\n`);
  let own: number | undefined;
  try {
    own = openOwn();
    const fd = own ?? STDERR;
    // It may be a file.
    const written = onDisk(() => writeSync(fd, bytes));
    cutOff = written < bytes.length && (written > 1 || !cutOff);
    return written === bytes.length;
  } catch {
    // Full, closed, or without a reader: there is nobody to tell.
    return false;
  } finally {
    if (own !== undefined) closeSync(own);
  }
}

/**
 * Opened for each line: the app may close or redirect its descriptor, and whoever reads a pipe waits for its
 * last writer. A file is written through the app's own descriptor, whose position all who write share; so is
 * a socket, which cannot be opened a second time.
 */
function openOwn(): number | undefined {
  const stat = fstatSync(STDERR);
  if (!stat.isFIFO() && !stat.isCharacterDevice()) return undefined;
  try {
    return openSync(OWN_STDERR, FLAGS);
  } catch (error) {
    // Not Linux, or a pipe that another user made. A pipe without a reader, ENXIO, is not written to at all.
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'EACCES' || code === 'EPERM') return undefined;
    throw error;
  }
}

/**
 * What this thread writes to `process.stdout` and `process.stderr` would wait in main's memory for somebody
 * who never reads it. Nothing of ours does; a module might.
 */
export function muteStreams(): void {
  for (const stream of [process.stdout, process.stderr]) {
    Object.assign(stream, {
      _write: (_chunk: unknown, _encoding: unknown, done: () => void) => done(),
      _writev: (_chunks: unknown, done: () => void) => done(),
    });
  }
}
