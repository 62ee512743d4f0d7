import {
  BrokenJson,
  elementOf,
  elementsOf,
  longTextAt,
  membersOf,
  numberAt,
  OPEN_BRACE,
  QUOTE,
  skipString,
  textAt,
} from './json-bytes.js';

/*
 * Finds single positions in a source map. A map of 15 MB takes 100 MB and more when it is decoded as a whole,
 * by Node.js' `SourceMap` as by the well-kept libraries; here the bytes of the file stay as they are, and
 * only what is asked for is taken out of them. Version 3 of the format, indexed maps (`sections`) included.
 */

/** A location in a script; line and column count from 0, columns in UTF-16 units. */
export interface Location {
  readonly line: number;
  readonly column: number;
}

/** Where it is in the source. */
export interface SourceLocation extends Location {
  /** Its name, behind the map's `sourceRoot`. */
  readonly source: string;
  /** That `sourceRoot`; '' for none. */
  readonly root: string;
  /** The source's whole text, as UTF-8, if the map has it. Made anew at each call. */
  content(): Buffer | undefined;
}

/**
 * Looks up several locations in one pass.
 * @returns those that the map knows; none if it is no sound map
 */
export function findInSourceMap(
  bytes: Buffer,
  locations: readonly Location[],
): ReadonlyMap<Location, SourceLocation> {
  const found = new Map<Location, SourceLocation>();
  try {
    // Some servers put a line before the map that keeps browsers from running it.
    const start = bytes.indexOf(OPEN_BRACE);
    if (start >= 0) find(bytes, start, [...locations].sort(byLocation), found, SECTIONS_DEPTH_MAX);
  } catch (error) {
    if (!(error instanceof BrokenJson)) throw error;
  }
  return found;
}

/** The format does not let sections have sections, but some do. */
const SECTIONS_DEPTH_MAX = 4;

const byLocation = (a: Location, b: Location): number => a.line - b.line || a.column - b.column;

/** @param locations in order */
function find(
  bytes: Buffer,
  start: number,
  locations: readonly Location[],
  found: Map<Location, SourceLocation>,
  depth: number,
): void {
  const fields = membersOf(bytes, start);
  const sections = fields.get('sections');
  if (sections !== undefined) {
    if (depth > 0) findInSections(bytes, sections, locations, found, depth);
    return;
  }
  const mappings = fields.get('mappings');
  const sources = fields.get('sources');
  if (mappings === undefined || sources === undefined || bytes[mappings] !== QUOTE) return;
  const root = textAt(bytes, fields.get('sourceRoot')) ?? '';
  const contents = fields.get('sourcesContent');
  for (const [location, segment] of findSegments(
    bytes,
    mappings + 1,
    skipString(bytes, mappings) - 1,
    locations,
  )) {
    const source = textAt(bytes, elementOf(bytes, sources, segment.source));
    if (source === undefined) continue;
    found.set(location, {
      source: root === '' ? source : `${root.replace(/\/$/, '')}/${source}`,
      root,
      line: segment.line,
      column: segment.column,
      content: () =>
        contents === undefined ? undefined : longTextAt(bytes, elementOf(bytes, contents, segment.source)),
    });
  }
}

/** Each location belongs to the last section that begins at or before it. */
function findInSections(
  bytes: Buffer,
  start: number,
  locations: readonly Location[],
  found: Map<Location, SourceLocation>,
  depth: number,
): void {
  const sections = [...elementsOf(bytes, start)].map((at) => {
    const section = membersOf(bytes, at);
    const offset = membersOf(bytes, section.get('offset') ?? -1);
    const [line, column] = [numberAt(bytes, offset.get('line')), numberAt(bytes, offset.get('column'))];
    return { map: section.get('map'), line, column };
  });
  for (const location of locations) {
    const section = sections.findLast((one) => byLocation(one, location) <= 0);
    if (section?.map === undefined) continue;
    const inside: Location = {
      line: location.line - section.line,
      column: location.line === section.line ? location.column - section.column : location.column,
    };
    const there = new Map<Location, SourceLocation>();
    find(bytes, section.map, [inside], there, depth - 1);
    const source = there.get(inside);
    if (source) found.set(location, source);
  }
}

interface Segment extends Location {
  readonly source: number;
  /** Line of the script that it is of. */
  readonly at: number;
}

const SEMICOLON = 59;
const COMMA = 44;

/** The value of each character of base 64, by its code; -1 for all others. */
const DIGITS = new Int8Array(256).fill(-1);
for (const [value, char] of [
  ...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/',
].entries()) {
  DIGITS[char.charCodeAt(0)] = value;
}

/**
 * For each location the last segment of its line that begins at or before it. All numbers but the column
 * follow on from segment to segment, over all lines: so those before have to be added up, too.
 * @param locations in order
 */
function findSegments(
  bytes: Buffer,
  from: number,
  to: number,
  locations: readonly Location[],
): readonly (readonly [Location, Segment])[] {
  const found: [Location, Segment][] = [];
  const sums: [number, number, number, number, number] = [0, 0, 0, 0, 0];
  let next = 0;
  let latest: Segment | undefined;
  let line = 0;
  let field = 0;
  let value = 0;
  let shift = 0;

  /** Settles the locations that lie before this one. */
  function pass(atLine: number, column: number): void {
    for (; next < locations.length; next++) {
      const location = locations[next] as Location;
      if (location.line > atLine || (location.line === atLine && location.column >= column)) return;
      if (latest?.at === location.line) found.push([location, latest]);
    }
  }

  function endSegment(): void {
    if (shift !== 0) throw new BrokenJson();
    if (field === 0) return;
    pass(line, sums[0]);
    // A segment of one number says that what follows comes from no source.
    latest = field >= 4 ? { at: line, source: sums[1], line: sums[2], column: sums[3] } : undefined;
    field = 0;
  }

  function takeDigit(code: number): void {
    const digit = DIGITS[code] as number;
    if (digit < 0 || shift > 30 || field > 4) throw new BrokenJson();
    value += (digit & 31) * 2 ** shift;
    shift += 5;
    if (digit & 32) return;
    sums[field] = (sums[field] as number) + (value % 2 === 1 ? -Math.floor(value / 2) : value / 2);
    field++;
    value = 0;
    shift = 0;
  }

  for (let i = from; i < to && next < locations.length; i++) {
    const code = bytes[i] as number;
    if (code === COMMA) endSegment();
    else if (code === SEMICOLON) {
      endSegment();
      line++;
      sums[0] = 0;
    } else takeDigit(code);
  }
  if (next < locations.length) endSegment();
  pass(Number.POSITIVE_INFINITY, 0);
  return found;
}
