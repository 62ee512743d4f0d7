import { readFileSync, statSync } from 'node:fs';
import { SourceMap, type SourceMapping } from 'node:module';
import { dirname, isAbsolute, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { Frame } from '../../src/shared/protocol.js';
import type { RawFrame } from './capture.js';

/** Files larger than this are not read: the sidecar's memory is bounded, and main may be waiting. */
const FILE_MAX_BYTES = 16 * 2 ** 20;
const CODE_MAX_CHARS = 160;
const MAPS_MAX = 8;
const MAP_COMMENT = /^\/\/[#@] ?sourceMappingURL=(\S+)\s*$/gm;

/** Turns V8's frames into ones that a person can use: mapped to the source, with the line's text. */
export function createFrameReader(): (raw: readonly RawFrame[]) => Frame[] {
  const maps = new Map<string, SourceMap | undefined>();

  function mapOf(file: string, sourceMapUrl: string | undefined): SourceMap | undefined {
    if (!maps.has(file)) {
      if (maps.size >= MAPS_MAX) maps.delete(maps.keys().next().value as string);
      maps.set(file, readMap(file, sourceMapUrl));
    }
    return maps.get(file);
  }

  function toFrame(raw: RawFrame): Frame {
    const file = raw.url.startsWith('file:') ? fileURLToPath(raw.url) : raw.url;
    const internal = raw.url === '' || raw.url.startsWith('node:');
    const plain = {
      function: raw.functionName || '(anonymous)',
      file,
      line: raw.lineNumber + 1,
      column: raw.columnNumber + 1,
      internal,
    };
    if (internal || !isAbsolute(file)) return plain;
    const entry = mapOf(file, raw.sourceMapUrl)?.findEntry(raw.lineNumber, raw.columnNumber) as
      | Partial<SourceMapping>
      | undefined;
    const mapped = entry?.originalSource
      ? {
          ...plain,
          file: pathOfSource(entry.originalSource, file),
          line: (entry.originalLine ?? 0) + 1,
          column: (entry.originalColumn ?? 0) + 1,
        }
      : plain;
    const code = lineOf(mapped.file, mapped.line);
    return { ...mapped, ...(code !== undefined && { code }) };
  }

  return (raw) => raw.map(toFrame);
}

/** @param told where the map is, if that is known; else the script says so itself, in its last line that does */
function readMap(file: string, told: string | undefined): SourceMap | undefined {
  try {
    const url = told ?? [...(readBounded(file) ?? '').matchAll(MAP_COMMENT)].at(-1)?.[1];
    if (!url) return undefined;
    const inline = /^data:application\/json[^,]*?(;base64)?,(.*)$/s.exec(url);
    const text = inline
      ? inline[1]
        ? Buffer.from(inline[2] ?? '', 'base64').toString()
        : decodeURIComponent(inline[2] ?? '')
      : readBounded(fileURLToPath(new URL(url, pathToFileURL(file))));
    return text === undefined ? undefined : new SourceMap(JSON.parse(text));
  } catch {
    // No map, or a broken one: the frame stays as V8 has it.
    return undefined;
  }
}

/** Sources are named relative to the map, which lies beside the script. */
function pathOfSource(source: string, script: string): string {
  if (source.startsWith('file:')) return fileURLToPath(source);
  return /^[a-z]+:/i.test(source) ? source : resolve(dirname(script), source);
}

/** The text of one line (from 1), if the file is there. */
function lineOf(file: string, line: number): string | undefined {
  try {
    const text = readBounded(file)?.split('\n')[line - 1]?.trim();
    return text ? text.slice(0, CODE_MAX_CHARS) : undefined;
  } catch {
    return undefined;
  }
}

function readBounded(file: string): string | undefined {
  return statSync(file).size <= FILE_MAX_BYTES ? readFileSync(file, 'utf8') : undefined;
}

/** The frame to blame: the innermost of the app's own code, else of a dependency's. */
export function culpritOf(frames: readonly Frame[]): Frame | undefined {
  const outside = frames.filter((frame) => !frame.internal);
  return outside.find((frame) => !frame.file.includes('/node_modules/')) ?? outside[0];
}
