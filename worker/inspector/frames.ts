import { dirname, isAbsolute, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Frame } from '../../src/shared/stall.js';
import type { RawFrame } from './look.js';
import { pathOf } from './paths.js';
import { findInSourceMap, type SourceLocation } from './source-map.js';
import { openSourceText, type SourceFiles, type SourceText } from './source-text.js';

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
 * Turns V8's frames into ones that a person can use: mapped to the source, with what stands at the location.
 * Never throws: what a script and its map say of themselves is text that anyone may have written.
 * @param files read for this one capture
 */
export function toFrames(raw: readonly RawFrame[], { files, sourceLines }: FrameOptions): Frame[] {
  const sources = findSources(raw, files);
  return raw.map((one) => {
    const script = pathOf(one.url);
    const source = sources.get(one);
    const location = {
      file: source?.file ?? script,
      line: (source?.line ?? one.lineNumber) + 1,
      column: (source?.column ?? one.columnNumber) + 1,
    };
    const text = sourceLines && isOnDisk(script) ? textOf(one, source, files) : undefined;
    const excerpt = text?.excerpt(location.line, location.column);
    return {
      function: cut(one.functionName || '(anonymous)', NAME_MAX_CHARS),
      ...location,
      file: cut(location.file, FILE_MAX_CHARS),
      internal: one.url === '' || one.url.startsWith('node:') || isWasm(one),
      ...(excerpt !== undefined && { code: excerpt }),
    };
  });
}

/** The text that a frame's location is of. */
function textOf(one: RawFrame, source: Source | undefined, files: SourceFiles): SourceText | undefined {
  if (source) return source.text;
  return one.inMemory ? one.text : files.read(pathOf(one.url));
}

/** What was compiled to WebAssembly is as native as Node.js' own: the app's line is its caller. */
export const isWasm = ({ url }: Pick<RawFrame, 'url'>): boolean => url.startsWith('wasm:');

/** Where a frame is in its source. */
interface Source {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly text: SourceText | undefined;
}

/** Where in their sources the frames are: of each script the map is gone through once. */
function findSources(raw: readonly RawFrame[], files: SourceFiles): ReadonlyMap<RawFrame, Source> {
  const found = new Map<RawFrame, Source>();
  for (const url of new Set(raw.map((one) => one.url))) {
    const frames = raw.filter((one) => one.url === url);
    const script = pathOf(url);
    const map = isOnDisk(script) ? readMap(files, script, frames[0] as RawFrame) : undefined;
    if (map) findInScript(frames, { script, map, files }, found);
  }
  return found;
}

function findInScript(
  frames: readonly RawFrame[],
  { script, map, files }: { readonly script: string; readonly map: MapText; readonly files: SourceFiles },
  found: Map<RawFrame, Source>,
): void {
  const locations = new Map(frames.map((one) => [{ line: one.lineNumber, column: one.columnNumber }, one]));
  /** Each source once, by its name. */
  const named = new Map<string, NamedSource | undefined>();
  for (const [location, source] of findInSourceMap(map.bytes, [...locations.keys()])) {
    if (!named.has(source.source)) named.set(source.source, findNamed(source, script, map.file, files));
    const there = named.get(source.source);
    if (!there || there.text?.hasLine(source.line + 1) === false) continue;
    found.set(locations.get(location) as RawFrame, { ...there, line: source.line, column: source.column });
  }
}

interface NamedSource {
  readonly file: string;
  readonly text: SourceText | undefined;
}

/**
 * The file that a map names. Names are meant relative to the map; but `sourceRoot` is often a location of a
 * server's or of the machine that built it, and bundlers name locations of their own
 * (`webpack://shop/./src/cart.ts`). Then the file is looked for above the script, and taken only if it holds
 * the very text that the map has.
 * @returns `undefined` if there is no such file, and the map has not its text either
 */
function findNamed(
  location: SourceLocation,
  script: string,
  mapFile: string,
  files: SourceFiles,
): NamedSource | undefined {
  const { source, root } = location;
  const content = location.content();
  const text = content && openSourceText(content);
  const file = pathOfSource(source, mapFile);
  // A map that was moved to a folder of its own may still speak as from beside its script.
  const there = [file, pathOfSource(source, script)].find((one) => isAbsolute(one) && files.has(one));
  if (there !== undefined) return { file: there, text: text ?? files.read(there) };
  if (!content) return undefined;
  const bare = root === '' ? source : source.slice(root.replace(/\/$/, '').length + 1);
  const moved = foldersAbove(script)
    .map((folder) => join(folder, tailOf(bare)))
    .find((one) => files.read(one)?.bytes.equals(content));
  if (moved !== undefined) return { file: moved, text };
  return root === '' ? { file, text } : undefined;
}

/** So many folders above a script are looked through. */
const FOLDERS_MAX = 12;

function foldersAbove(script: string): readonly string[] {
  const folders: string[] = [];
  for (let at = dirname(script); folders.length < FOLDERS_MAX; at = dirname(at)) {
    folders.push(at, join(at, 'src'));
    if (dirname(at) === at) break;
  }
  return folders;
}

/** A source's name without scheme, host and the dots before it. */
function tailOf(source: string): string {
  return source.replace(/^[a-z][a-z0-9+.-]+:(?:\/\/[^/]*)?/i, '').replace(/^(?:\.{0,2}\/)+/, '');
}

const isOnDisk = (script: string): boolean => isAbsolute(script) && script.length <= FILE_MAX_CHARS;

interface MapText {
  readonly bytes: Buffer;
  /** What its sources are named relative to: itself, or the script that holds it. */
  readonly file: string;
}

/** Where the map is, V8 may have told; else the script says so itself, in the last line that does. */
function readMap(files: SourceFiles, file: string, script: RawFrame): MapText | undefined {
  const own = (): string | undefined => commentIn(files.tail(file)) ?? commentIn(files.read(file)?.bytes);
  const url = script.sourceMapUrl ?? (script.inMemory ? commentIn(script.text?.bytes) : own());
  if (url === undefined) return undefined;
  const inline = /^data:application\/json[^,]{0,256},/.exec(url)?.[0];
  if (inline === undefined) {
    const path = pathBeside(file, url);
    const bytes = path === undefined ? undefined : files.read(path)?.bytes;
    return bytes && { bytes, file: path as string };
  }
  const text = url.slice(inline.length);
  if (inline.endsWith(';base64,')) return { bytes: Buffer.from(text, 'base64'), file };
  try {
    return { bytes: Buffer.from(decodeURIComponent(text)), file };
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

/** Sources are named relative to the map. */
function pathOfSource(source: string, mapFile: string): string {
  return /^[a-z][a-z0-9+.-]+:/i.test(source) ? pathOf(source) : resolve(dirname(mapFile), source);
}

function cut(text: string, max: number): string {
  return text.length > max ? `${text.slice(0, max - 1)}…` : text;
}
