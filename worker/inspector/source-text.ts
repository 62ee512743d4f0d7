import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import type { Location } from './source-map.js';

/** Files larger than this are not read: whatever a script says of itself, memory and time are bounded. */
const FILE_MAX_BYTES = 32 * 2 ** 20;
/** An excerpt of a line: what stands around the location, for minified files are one line. */
const EXCERPT_MAX_CHARS = 120;
const EXCERPT_BEFORE_CHARS = 40;
/** Each so many lines an offset is remembered: a line near it is found without a search from the top. */
const MARK_EVERY_LINES = 1024;
/** The name of a function and what stands before it is not longer. */
const BETWEEN_MAX_LINES = 4;
const NEWLINE = 10;

/** A text's lines by number, found in its bytes without splitting it. */
export interface SourceText {
  readonly bytes: Buffer;
  /**
   * What stands around a location, in at most 120 characters.
   * @param line from 1
   * @param column from 1, in UTF-16 units as V8 counts
   */
  excerpt(line: number, column: number): string | undefined;
  /** Whether there is such a line. */
  hasLine(line: number): boolean;
  /**
   * What stands between two locations not far apart; lines and columns from 0.
   * @returns `undefined` for what is not there, and for more than a few lines
   */
  between(from: Location, to: Location): string | undefined;
}

export function openSourceText(bytes: Buffer): SourceText {
  /** Offsets of the lines 1, 1025, 2049, ... */
  const marks = [0];
  let decoded: { readonly line: number; readonly text: string } | undefined;

  function offsetOf(line: number): number | undefined {
    let mark = Math.min(Math.floor((line - 1) / MARK_EVERY_LINES), marks.length - 1);
    let offset = marks[mark] as number;
    for (let at = mark * MARK_EVERY_LINES + 1; at < line; ) {
      const end = bytes.indexOf(NEWLINE, offset);
      if (end < 0) return undefined;
      offset = end + 1;
      at++;
      if ((at - 1) % MARK_EVERY_LINES === 0 && ++mark === marks.length) marks.push(offset);
    }
    return offset;
  }

  function lineOf(line: number): string | undefined {
    if (decoded?.line === line) return decoded.text;
    const start = offsetOf(line);
    if (start === undefined) return undefined;
    const end = bytes.indexOf(NEWLINE, start);
    decoded = { line, text: bytes.toString('utf8', start, end < 0 ? bytes.length : end) };
    return decoded.text;
  }

  return {
    bytes,
    excerpt(line, column) {
      const text = lineOf(line);
      return text === undefined ? undefined : around(text, column - 1);
    },
    hasLine: (line) => offsetOf(line) !== undefined,
    between(from, to) {
      if (to.line - from.line > BETWEEN_MAX_LINES) return undefined;
      const parts: string[] = [];
      for (let line = from.line; line <= to.line; line++) {
        const whole = lineOf(line + 1);
        if (whole === undefined) return undefined;
        parts.push(partOf(whole, line, from, to));
      }
      return parts.join('\n');
    },
  };
}

/** What of a line lies between two locations. */
function partOf(whole: string, line: number, from: Location, to: Location): string {
  return whole.slice(line === from.line ? from.column : 0, line === to.line ? to.column : undefined);
}

/** A short line whole; of a long one the part that holds the location. */
function around(text: string, location: number): string | undefined {
  const trimmed = text.length > 4 * EXCERPT_MAX_CHARS ? text : text.trim();
  if (trimmed.length <= EXCERPT_MAX_CHARS) return trimmed || undefined;
  const indented = trimmed === text ? 0 : text.indexOf(trimmed);
  const from = Math.max(
    0,
    Math.min(location - indented - EXCERPT_BEFORE_CHARS, trimmed.length - EXCERPT_MAX_CHARS),
  );
  return trimmed.slice(from, from + EXCERPT_MAX_CHARS).trim() || undefined;
}

/** Texts are kept up to this size in all, then read anew. */
const TEXTS_MAX_BYTES = 64 * 2 ** 20;

/** Reads files that somebody named, each once: for one capture, or one stall. */
export interface SourceFiles {
  /** @returns `undefined` for all that is no regular, readable file of a bounded size */
  read(path: string): SourceText | undefined;
  /** The last bytes of a file. */
  tail(path: string): Buffer | undefined;
  /** Whether there is such a file, regular and readable. */
  has(path: string): boolean;
}

/** What is known without a look at any file. */
export const NO_FILES: SourceFiles = { read: () => undefined, tail: () => undefined, has: () => false };

/** Where a script says that its map is, it says in its last lines; an inline map may make them long. */
const TAIL_BYTES = 4096;

/** @param mayHang tells whether a path leads where a file system may never answer; see `mounts.ts` */
export function openSourceFiles(mayHang: (path: string) => boolean): SourceFiles {
  const texts = new Map<string, SourceText | undefined>();
  let keptBytes = 0;
  return {
    read(path) {
      if (!texts.has(path)) {
        if (keptBytes > TEXTS_MAX_BYTES) {
          texts.clear();
          keptBytes = 0;
        }
        const bytes = mayHang(path) ? undefined : readRegular(path, (size) => ({ from: 0, length: size }));
        keptBytes += bytes?.length ?? 0;
        texts.set(path, bytes && openSourceText(bytes));
      }
      return texts.get(path);
    },
    tail(path) {
      if (mayHang(path)) return undefined;
      return readRegular(path, (size) => ({ from: Math.max(0, size - TAIL_BYTES), length: TAIL_BYTES }));
    },
    has: (path) => !mayHang(path) && readRegular(path, () => ({ from: 0, length: 1 })) !== undefined,
  };
}

interface Range {
  readonly from: number;
  readonly length: number;
}

/**
 * A FIFO without a writer would be waited for, a device never ends: opened without blocking, and only then
 * looked at.
 */
function readRegular(path: string, rangeOf: (size: number) => Range): Buffer | undefined {
  let fd: number | undefined;
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
    const stat = fstatSync(fd);
    if (!stat.isFile()) return undefined;
    const { from, length } = rangeOf(stat.size);
    const size = Math.min(length, stat.size - from);
    // Files of /proc and the like say 0, and have no source in them.
    if (size <= 0 || size > FILE_MAX_BYTES) return undefined;
    const bytes = Buffer.allocUnsafeSlow(size);
    let read = 0;
    for (let got = 1; read < size && got > 0; read += got)
      got = readSync(fd, bytes, read, size - read, from + read);
    return bytes.subarray(0, read);
  } catch {
    // Not there, or not for us to read: the frame does without.
    return undefined;
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}
