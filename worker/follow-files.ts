import { closeSync, constants, fstatSync, openSync, readSync, type Stats, statSync } from 'node:fs';
import { onDisk } from './system/own-calls.js';

/** How often a file is looked at, at most. */
const LOOK_EVERY_MS = 1000;
/** Secrets and certificates are small. */
const MAX_BYTES = 2 ** 20;

/** What is made of some files. */
export interface Followed<T> {
  /** What is valid now; `undefined` if that never was. */
  current(): T | undefined;
  /** Why the files cannot be used as they are now, if they cannot. */
  fault(): Error | undefined;
}

/**
 * Keeps what is made of some files, and makes it anew when one of them changes. What cannot be read or used
 * leaves the old in place and is told once, until it can be again or something else is wrong.
 * @param onFault is told what goes on to be used, too
 */
export function followFiles<T>(
  paths: readonly string[],
  make: (texts: readonly string[]) => T,
  now: () => number,
  onFault: (error: Error, kept: T | undefined) => void,
): Followed<T> {
  let value: T | undefined;
  let seen: string | undefined;
  let lookedMs = Number.NEGATIVE_INFINITY;
  let fault: Error | undefined;

  function renew(): void {
    if (paths.map((path) => versionOf(statSync(path))).join('\n') === seen) return;
    const files = paths.map((path) => readSmallFile(path, MAX_BYTES));
    value = make(files.map(({ text }) => text));
    seen = files.map(({ version }) => version).join('\n');
  }
  function look(): void {
    if (now() - lookedMs < LOOK_EVERY_MS) return;
    lookedMs = now();
    const before = fault?.message;
    fault = undefined;
    try {
      onDisk(renew);
    } catch (error) {
      fault = error as Error;
      if (fault.message !== before) onFault(fault, value);
    }
  }
  return {
    current() {
      look();
      return value;
    },
    fault() {
      look();
      return fault;
    },
  };
}

/** Kubernetes replaces a link, others write in place, with the old date even: all change one of these. */
function versionOf({ dev, ino, ctimeMs, size }: Stats): string {
  return `${dev} ${ino} ${ctimeMs} ${size}`;
}

/** No pipe without a writer is waited for. */
const READ = constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY;

/**
 * The text of a regular file, and the version of it that was read.
 * @throws if there is none, or a larger one, or something else: pipes are waited for, devices never end
 */
export function readSmallFile(path: string, maxBytes: number): { text: string; version: string } {
  const check = (stat: Stats): Stats => {
    if (stat.isFile() && stat.size <= maxBytes) return stat;
    throw new Error(`${path} is not a file of at most ${maxBytes} bytes`);
  };
  // There are devices that act when they are opened.
  check(statSync(path));
  const fd = openSync(path, READ);
  try {
    // It may be another by now, and grow while it is read.
    const version = versionOf(check(fstatSync(fd)));
    const bytes = Buffer.alloc(maxBytes + 1);
    let length = 0;
    for (let read = -1; read !== 0 && length < bytes.length; length += read) {
      read = readSync(fd, bytes, length, bytes.length - length, null);
    }
    if (length > maxBytes) throw new Error(`${path} is not a file of at most ${maxBytes} bytes`);
    return { text: bytes.toString('utf8', 0, length), version };
  } finally {
    closeSync(fd);
  }
}
