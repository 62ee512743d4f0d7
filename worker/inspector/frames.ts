import { dirname, isAbsolute, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { Frame } from '../../src/shared/protocol.js';
import { findInSourceMap, type SourcePlace } from './source-map.js';
import { openSourceText, type SourceFiles, type SourceText } from './source-text.js';
import type { RawFrame } from './stack.js';

/** Names and addresses are cut at this length: a `data:` URL is a whole program. */
const NAME_MAX_CHARS = 256;
const FILE_MAX_CHARS = 1024;
const MAP_COMMENTS = ['//# sourceMappingURL=', '//@ sourceMappingURL='];

export interface FrameOptions {
  readonly files: SourceFiles;
  /** Whether frames carry the text of their line. */
  readonly sourceLines: boolean;
}

/**
 * Turns V8's frames into ones that a person can use: mapped to the source, with what stands at the place. Never throws: what
 * a script and its map say of themselves is text that anyone may have written.
 * @param files read for this one capture
 */
export function toFrames(raw: readonly RawFrame[], { files, sourceLines }: FrameOptions): Frame[] {
  const sources = findSources(raw, files);
  /** Texts out of maps, each once. */
  const contents = new Map<string, SourceText | undefined>();

  function textOf(file: string, script: string, source: SourcePlace | undefined): SourceText | undefined {
    const key = `${script}\n${source?.source}`;
    if (!contents.has(key)) {
      const content = source?.content();
      contents.set(key, content && openSourceText(content));
    }
    return contents.get(key) ?? (isAbsolute(file) ? files.read(file) : undefined);
  }

  return raw.map((one) => {
    const script = pathOf(one.url);
    const source = sources.get(one);
    const place = {
      file: source ? pathOfSource(source.source, script) : script,
      line: (source?.line ?? one.lineNumber) + 1,
      column: (source?.column ?? one.columnNumber) + 1,
    };
    const code = sourceLines && isOnDisk(script) ? textOf(place.file, script, source) : undefined;
    const excerpt = code?.excerpt(place.line, place.column);
    return {
      function: cut(one.functionName || '(anonymous)', NAME_MAX_CHARS),
      ...place,
      file: cut(place.file, FILE_MAX_CHARS),
      internal: one.url === '' || one.url.startsWith('node:'),
      ...(excerpt !== undefined && { code: excerpt }),
    };
  });
}

/** Where in their sources the frames are: of each script the map is gone through once. */
function findSources(raw: readonly RawFrame[], files: SourceFiles): ReadonlyMap<RawFrame, SourcePlace> {
  const found = new Map<RawFrame, SourcePlace>();
  for (const url of new Set(raw.map((one) => one.url))) {
    const frames = raw.filter((one) => one.url === url);
    const script = pathOf(url);
    const map = isOnDisk(script) ? readMap(files, script, frames[0]?.sourceMapUrl) : undefined;
    if (!map) continue;
    const places = new Map(frames.map((one) => [{ line: one.lineNumber, column: one.columnNumber }, one]));
    for (const [place, source] of findInSourceMap(map, [...places.keys()])) {
      found.set(places.get(place) as RawFrame, source);
    }
  }
  return found;
}

const isOnDisk = (script: string): boolean => isAbsolute(script) && script.length <= FILE_MAX_CHARS;

/** @param told where the map is, if that is known; else the script says so itself, in the last line that does */
function readMap(files: SourceFiles, file: string, told: string | undefined): Buffer | undefined {
  const url = told ?? commentIn(files.tail(file)) ?? commentIn(files.read(file)?.bytes);
  if (url === undefined) return undefined;
  const inline = /^data:application\/json[^,]{0,256},/.exec(url)?.[0];
  if (inline === undefined) {
    const path = pathBeside(file, url);
    return path === undefined ? undefined : files.read(path)?.bytes;
  }
  const text = url.slice(inline.length);
  if (inline.endsWith(';base64,')) return Buffer.from(text, 'base64');
  try {
    return Buffer.from(decodeURIComponent(text));
  } catch {
    return undefined;
  }
}

/** What the last comment that names a map says. */
function commentIn(bytes: Buffer | undefined): string | undefined {
  if (!bytes) return undefined;
  const [at, length] = MAP_COMMENTS.map((mark) => [bytes.lastIndexOf(mark), mark.length] as const).reduce(
    (a, b) => (b[0] > a[0] ? b : a),
  );
  if (at < 0) return undefined;
  const end = bytes.indexOf('\n', at);
  // To the end of the line: latin1 takes a byte for a character, and addresses are ASCII.
  return bytes.toString('latin1', at + length, end < 0 ? bytes.length : end).trim() || undefined;
}

function pathBeside(file: string, url: string): string | undefined {
  const base = pathToFileURL(file).href;
  if (!URL.canParse(url, base)) return undefined;
  const path = pathOf(new URL(url, base).href);
  return isAbsolute(path) ? path : undefined;
}

/** The path that a script's URL stands for, else the URL: of another host, with an encoded slash, of another scheme. */
function pathOf(url: string): string {
  if (!url.startsWith('file:')) return url;
  try {
    return fileURLToPath(url);
  } catch {
    return url;
  }
}

/** Sources are named relative to the map, which lies beside the script. */
function pathOfSource(source: string, script: string): string {
  return /^[a-z][a-z0-9+.-]*:/i.test(source) ? pathOf(source) : resolve(dirname(script), source);
}

function cut(text: string, max: number): string {
  return text.length > max ? `${text.slice(0, max - 1)}…` : text;
}
