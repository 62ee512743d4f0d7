import { SourceMap } from 'node:module';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  findInSourceMap,
  type Location,
  type SourceLocation,
} from '../../../../worker/inspector/source-map.js';

const bytesOf = (map: unknown): Buffer => Buffer.from(typeof map === 'string' ? map : JSON.stringify(map));

/** What the map says of one location, as plain values. */
function at(map: unknown, line: number, column: number): object | undefined {
  const [found] = findInSourceMap(bytesOf(map), [{ line, column }]).values();
  return found && { ...found, content: found.content()?.toString() };
}

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
function vlq(value: number): string {
  let rest = value < 0 ? -value * 2 + 1 : value * 2;
  let text = '';
  do {
    const more = rest >= 32 ? 32 : 0;
    text += ALPHABET[(rest % 32) + more];
    rest = Math.floor(rest / 32);
  } while (rest > 0);
  return text;
}

interface Mapping {
  readonly line: number;
  readonly column: number;
  readonly source: number;
  readonly sourceLine: number;
  readonly sourceColumn: number;
}
/** @param mappings in order */
function encode(mappings: readonly Mapping[]): string {
  const before = { column: 0, source: 0, sourceLine: 0, sourceColumn: 0 };
  let text = '';
  let line = 0;
  for (const one of mappings) {
    const fresh = one.line > line;
    if (fresh) {
      text += ';'.repeat(one.line - line);
      line = one.line;
      before.column = 0;
    } else if (text !== '' && !text.endsWith(';')) text += ',';
    text += vlq(one.column - before.column) + vlq(one.source - before.source);
    text += vlq(one.sourceLine - before.sourceLine) + vlq(one.sourceColumn - before.sourceColumn);
    Object.assign(before, one);
  }
  return text;
}

const MAP = {
  version: 3,
  sourceRoot: '../src/',
  sources: ['a.ts', 'b "quoted" \\ é.ts', 7, null],
  sourcesContent: ['one\ntwo', null],
  mappings: encode([
    { line: 0, column: 4, source: 0, sourceLine: 1, sourceColumn: 2 },
    { line: 0, column: 9, source: 1, sourceLine: 40, sourceColumn: 0 },
    { line: 3, column: 2, source: 2, sourceLine: 5, sourceColumn: 5 },
    { line: 3, column: 5, source: 9, sourceLine: 5, sourceColumn: 5 },
  ]),
};

describe('a location is found in a map', () => {
  it('at and after a segment of its line, not before the first', () => {
    expect(at(MAP, 0, 3)).toBeUndefined();
    const a = { source: '../src/a.ts', root: '../src/', line: 1, column: 2, content: 'one\ntwo' };
    expect(at(MAP, 0, 4)).toEqual(a);
    expect(at(MAP, 0, 8)).toEqual(a);
    expect(at(MAP, 0, 9)).toMatchObject({
      source: '../src/b "quoted" \\ é.ts',
      line: 40,
      content: undefined,
    });
    expect(at(MAP, 1, 100)).toBeUndefined();
  });

  it('unless its source is no text, or not there', () => {
    expect(at(MAP, 3, 3)).toBeUndefined();
    expect(at(MAP, 3, 6)).toBeUndefined();
  });

  it('in the section that it lies in', () => {
    const map = {
      version: 3,
      sections: [
        { offset: { line: 0, column: 0 }, map: MAP },
        { offset: { line: 2, column: 10 }, map: { ...MAP, sourceRoot: '' } },
      ],
    };
    expect(at(map, 0, 5)).toMatchObject({ source: '../src/a.ts' });
    expect(at(map, 2, 14)).toMatchObject({ source: 'a.ts', line: 1, column: 2 });
    expect(at(map, 2, 5)).toBeUndefined();
  });

  it('after the line that keeps browsers from running a map', () => {
    expect(at(`)]}'\n${JSON.stringify(MAP)}`, 0, 4)).toMatchObject({ source: '../src/a.ts' });
  });

  it('as Node.js finds it, in any sound map', () => {
    const mapping = fc.record({
      line: fc.nat(20),
      column: fc.nat(200),
      source: fc.nat(3),
      sourceLine: fc.nat(100_000),
      sourceColumn: fc.nat(300),
    });
    const location = fc.record({ line: fc.nat(22), column: fc.nat(220) });
    fc.assert(
      fc.property(
        fc.uniqueArray(mapping, { selector: ({ line, column }) => `${line}:${column}`, minLength: 1 }),
        fc.array(location, { minLength: 1, maxLength: 8 }),
        (mappings, locations) => {
          const sorted = mappings.toSorted((a, b) => a.line - b.line || a.column - b.column);
          const map = { version: 3, sources: ['a', 'b', 'c', 'd'], names: [], mappings: encode(sorted) };
          const theirs = new SourceMap(map as never);
          const ours: ReadonlyMap<Location, SourceLocation> = findInSourceMap(bytesOf(map), locations);
          for (const one of locations) {
            const entry = theirs.findEntry(one.line, one.column) as Partial<Record<string, unknown>>;
            // Node.js goes on to earlier lines; a function is not to be blamed for what follows it.
            const there = entry.generatedLine === one.line ? entry : undefined;
            expect(ours.get(one)?.source).toBe(there?.originalSource);
            expect(ours.get(one)?.line).toBe(there?.originalLine);
            expect(ours.get(one)?.column).toBe(there?.originalColumn);
          }
        },
      ),
    );
  });
});

describe('what is no sound map', () => {
  it.each([
    ['nothing', ''],
    ['no JSON', 'var x = 1;'],
    ['half a map', JSON.stringify(MAP).slice(0, 60)],
    ['an array', '[]'],
    ['mappings that are a number', { ...MAP, mappings: 7 }],
    ['sources that are an object', { ...MAP, sources: {} }],
    ['no sources', { ...MAP, sources: [] }],
    ['letters that are none of base 64', { ...MAP, mappings: 'AA!A' }],
    ['a number without an end', { ...MAP, mappings: 'ggggggggggggggggggggggg' }],
    ['sections in sections in sections', nested(100)],
    ['sections without offsets', { sections: [{ map: MAP }] }],
    ['sections that are numbers', { sections: [1, 2] }],
  ])('says nothing: %s', (_, map) => {
    expect(at(map, 0, 5)).toBeUndefined();
  });

  it('never throws and ends soon, whatever the bytes', () => {
    const json = fc.json({ maxDepth: 3 }).map((text) => text.replace('"a"', '"mappings"'));
    const spoiled = fc
      .tuple(fc.nat(200), fc.string({ unit: 'binary', maxLength: 4 }))
      .map(
        ([location, text]) =>
          JSON.stringify(MAP).slice(0, location) + text + JSON.stringify(MAP).slice(location),
      );
    fc.assert(
      fc.property(fc.oneof(json, spoiled, fc.string({ unit: 'binary' })), (text) => {
        findInSourceMap(bytesOf(text), [{ line: 0, column: 5 }]);
      }),
      { numRuns: 2000 },
    );
  });
});

function nested(depth: number): unknown {
  return depth === 0 ? MAP : { sections: [{ offset: { line: 0, column: 0 }, map: nested(depth - 1) }] };
}
