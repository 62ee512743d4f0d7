/*
 * JSON read by its bytes: what is not asked for is skipped, not made. A text of 15 MB that is parsed takes
 * several times as much memory.
 */

/** Thrown for what is no JSON, or other JSON than was expected. */
export class BrokenJson extends Error {}

/** Names, addresses and the like are no longer. */
const NAME_MAX_BYTES = 4096;

export const QUOTE = 34;
const BACKSLASH = 92;
export const OPEN_BRACE = 123;
const CLOSE_BRACE = 125;
const OPEN_BRACKET = 91;
const CLOSE_BRACKET = 93;
const COLON = 58;
const COMMA = 44;
const SPACE = 32;

/** Where the values of an object's members begin, by name. */
export function membersOf(bytes: Buffer, start: number): Map<string, number> {
  const members = new Map<string, number>();
  if (bytes[start] !== OPEN_BRACE) throw new BrokenJson();
  let at = skipSpace(bytes, start + 1);
  while (bytes[at] === QUOTE) {
    const end = skipString(bytes, at);
    const name = end - at <= NAME_MAX_BYTES ? bytes.toString('utf8', at + 1, end - 1) : '';
    const colon = skipSpace(bytes, end);
    if (bytes[colon] !== COLON) throw new BrokenJson();
    const value = skipSpace(bytes, colon + 1);
    members.set(name, value);
    at = skipSpace(bytes, skipValue(bytes, value));
    if (bytes[at] === COMMA) at = skipSpace(bytes, at + 1);
  }
  if (bytes[at] !== CLOSE_BRACE) throw new BrokenJson();
  return members;
}

/** Where the elements of an array begin. */
export function* elementsOf(bytes: Buffer, start: number): Generator<number> {
  if (bytes[start] !== OPEN_BRACKET) throw new BrokenJson();
  let at = skipSpace(bytes, start + 1);
  while (bytes[at] !== CLOSE_BRACKET) {
    yield at;
    at = skipSpace(bytes, skipValue(bytes, at));
    if (bytes[at] === COMMA) at = skipSpace(bytes, at + 1);
  }
}

/** Where this element of an array begins. */
export function elementOf(bytes: Buffer, start: number, index: number): number | undefined {
  if (index < 0) return undefined;
  let i = 0;
  for (const at of elementsOf(bytes, start)) if (i++ === index) return at;
  return undefined;
}

/** @returns `undefined` for what is no text, or too long for a name */
export function textAt(bytes: Buffer, at: number | undefined): string | undefined {
  if (at === undefined || bytes[at] !== QUOTE) return undefined;
  const end = skipString(bytes, at);
  return end - at > NAME_MAX_BYTES ? undefined : (parse(bytes, at, end) as string);
}

/** @throws for what is no number of 0 or more */
export function numberAt(bytes: Buffer, at: number | undefined): number {
  const value = at === undefined ? undefined : parse(bytes, at, skipValue(bytes, at));
  if (typeof value !== 'number' || !(value >= 0)) throw new BrokenJson();
  return value;
}

/** A text of any length, as UTF-8. */
export function longTextAt(bytes: Buffer, at: number | undefined): Buffer | undefined {
  if (at === undefined || bytes[at] !== QUOTE) return undefined;
  return Buffer.from(parse(bytes, at, skipString(bytes, at)) as string);
}

function parse(bytes: Buffer, from: number, to: number): unknown {
  try {
    return JSON.parse(bytes.toString('utf8', from, to));
  } catch {
    throw new BrokenJson();
  }
}

function skipSpace(bytes: Buffer, from: number): number {
  let at = from;
  while ((bytes[at] as number) <= SPACE) at++;
  return at;
}

/** @returns the location after the closing quotation mark */
export function skipString(bytes: Buffer, from: number): number {
  for (let at = from + 1; ; at++) {
    at = bytes.indexOf(QUOTE, at);
    if (at < 0) throw new BrokenJson();
    let slashes = 0;
    while (bytes[at - 1 - slashes] === BACKSLASH) slashes++;
    // An even number of backslashes escape each other.
    if (slashes % 2 === 0) return at + 1;
  }
}

/** @returns the location after the value */
function skipValue(bytes: Buffer, from: number): number {
  let depth = 0;
  let at = from;
  do {
    depth += stepOf(bytes[at]);
    if (depth < 0 || at >= bytes.length) throw new BrokenJson();
    at = skipToken(bytes, at, depth > 0);
  } while (depth > 0);
  if (at === from) throw new BrokenJson();
  return at;
}

/** How much deeper a character leads. */
function stepOf(code: number | undefined): number {
  if (code === OPEN_BRACE || code === OPEN_BRACKET) return 1;
  return code === CLOSE_BRACE || code === CLOSE_BRACKET ? -1 : 0;
}

/** @param inside of an object or array: there only what is quoted matters as a whole */
function skipToken(bytes: Buffer, from: number, inside: boolean): number {
  if (bytes[from] === QUOTE) return skipString(bytes, from);
  if (inside || stepOf(bytes[from]) !== 0) return from + 1;
  let at = from;
  while (isScalar(bytes[at])) at++;
  return at;
}

/** Part of a number, `true`, `false` or `null`. */
function isScalar(code: number | undefined): boolean {
  return (
    code !== undefined && code > SPACE && code !== COMMA && code !== CLOSE_BRACE && code !== CLOSE_BRACKET
  );
}
