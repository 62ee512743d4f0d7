import { EXEMPLAR_MAX_CHARS } from '../metrics/openmetrics.js';

/** The parts of a sample's line, one behind the other. */
const NAME = /[ \t]*([a-zA-Z_:][a-zA-Z0-9_:]*)[ \t]*/y;
const BRACE = /\{[ \t]*/y;
const LABEL = /([a-zA-Z_][a-zA-Z0-9_]*)[ \t]*=[ \t]*"([^"\\]*(?:\\[\\"n][^"\\]*)*)"[ \t]*(?:,[ \t]*|(?=\}))/y;
const VALUE = /([ \t]*)([^ \t\r{]+)(?:[ \t]+([^ \t\r#]+))?[ \t\r]*(?:# .*)?$/sy;

/** The name that a line begins with, empty if it has none. */
export function nameOf(line: string): string {
  NAME.lastIndex = 0;
  return NAME.exec(line)?.[1] ?? '';
}

/**
 * What can be served of a line, never longer than it. Not its timestamp, in seconds in OpenMetrics and in
 * milliseconds here: a copy needs none. `undefined` if Prometheus, or the parser of its tools, would refuse
 * it.
 * @param numbered a label whose value must be a number
 */
export function servedPart(line: string, numbered: string | undefined): string | undefined {
  const seen = new Set(['__name__']);
  const end = readLabels(line, (label, value) => {
    const sound = !seen.has(label) && (label !== numbered || numberOf(value) !== undefined);
    seen.add(label);
    return sound;
  });
  if (end === undefined) return undefined;
  VALUE.lastIndex = end;
  const [, blank = '', given = '', timestamp = '0'] = VALUE.exec(line) ?? [];
  const value = numberOf(given);
  const parted = blank !== '' || /[} \t]/.test(line.charAt(end - 1));
  if (value === undefined || !parted || numberOf(timestamp) === undefined) return undefined;
  const gap = blank === '' && line[end - 1] === '}' ? '' : ' ';
  return `${line.slice(0, end).trim()}${gap}${value}`;
}

/** A line in its parts. The values of labels are as they stand in it. */
export interface SampleParts {
  readonly name: string;
  readonly labels: readonly Label[];
  readonly value: string;
}
export type Label = readonly [name: string, escaped: string];

/** @param line as `servedPart` leaves it */
export function partsOf(line: string): SampleParts {
  const labels: Label[] = [];
  const end = readLabels(line, (name, value) => labels.push([name, value]) > 0) ?? line.length;
  return { name: nameOf(line), labels, value: line.slice(end).trim() };
}

/** An exemplar, as OpenMetrics has it behind a sample. */
export interface ExemplarParts {
  readonly labels: readonly Label[];
  readonly value: string;
  /** In seconds. */
  readonly timestamp: string | undefined;
}

/** The value before it, and perhaps a timestamp. */
const BEFORE_EXEMPLAR = /^[ \t]*[^ \t]+(?:[ \t]+[^ \t#]+)?[ \t]+#[ \t]+(?=\{)/;
const EXEMPLAR_VALUE = /^[ \t]*([^ \t]+)(?:[ \t]+([^ \t]+))?[ \t\r]*$/;

/** That of a line; `undefined` if it has none, or none that a scraper would take. */
export function exemplarOf(line: string): ExemplarParts | undefined {
  const rest = line.slice(readLabels(line, () => true) ?? line.length);
  const [before] = BEFORE_EXEMPLAR.exec(rest) ?? [];
  if (before === undefined) return undefined;
  const text = rest.slice(before.length);
  const labels: Label[] = [];
  const end = readLabels(text, (name, value) => {
    const first = labels.every(([other]) => other !== name);
    labels.push([name, value]);
    return first;
  });
  if (end === undefined || charsOf(labels) > EXEMPLAR_MAX_CHARS) return undefined;
  const [, given = '', timestamp] = EXEMPLAR_VALUE.exec(text.slice(end)) ?? [];
  const value = numberOf(given);
  const moment = numberOf(timestamp ?? '0');
  if (value === undefined || moment === undefined || !Number.isFinite(Number(moment))) return undefined;
  return { labels, value, timestamp };
}

const charsOf = (labels: readonly Label[]): number =>
  labels.reduce((sum, [name, value]) => sum + name.length + value.length, 0);

/** Where the labels of a line with a name end; `undefined` if they are no labels, or `take` refuses one. */
function readLabels(line: string, take: (label: string, value: string) => boolean): number | undefined {
  NAME.lastIndex = 0;
  NAME.test(line);
  BRACE.lastIndex = NAME.lastIndex;
  if (!BRACE.test(line)) return NAME.lastIndex;
  let at = BRACE.lastIndex;
  while (line[at] !== '}') {
    LABEL.lastIndex = at;
    const [, label, value] = LABEL.exec(line) ?? [];
    if (label === undefined || value === undefined || !take(label, value)) return undefined;
    at = LABEL.lastIndex;
  }
  return at + 1;
}

/**
 * A number as Prometheus reads it, decimal and in the range of a double. Go reads NaN and infinity in any
 * case, other parsers do not: they get the spelling that all know.
 */
function numberOf(text: string): string | undefined {
  if (/^nan$/i.test(text)) return 'NaN';
  if (/^[+-]?inf(?:inity)?$/i.test(text)) return `${/^[+-]/.exec(text) ?? ''}Inf`;
  const decimal = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i.test(text);
  return decimal && Number.isFinite(Number(text)) ? text : undefined;
}

/** What such a text stands for. */
export function asNumber(text: string): number {
  if (/^[+-]?inf/i.test(text))
    return text.startsWith('-') ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  return Number(text);
}

/** Puts labels on samples. */
export interface Labeller {
  /** What a line grows by, at most. */
  readonly bytes: number;
  /** @param line as `servedPart` leaves it; what its series has itself stays */
  label(line: string): string;
}

/** Labels as they stand in lines, which are read byte by byte. */
export function escapedLabels(labels: Readonly<Record<string, string>>): Label[] {
  return Object.entries(labels).map(([name, text]) => {
    const value = text.replace(/[\\"]/g, '\\$&').replace(/\n/g, '\\n');
    return [name, Buffer.from(value).toString('latin1')];
  });
}

export function createLabeller(labels: Readonly<Record<string, string>>): Labeller | undefined {
  const pairs = escapedLabels(labels).map(([name, value]) => ({ name, pair: `${name}="${value}"` }));
  if (pairs.length === 0) return undefined;
  return {
    bytes: pairs.reduce((sum, { pair }) => sum + pair.length + 1, '{}'.length),
    label(line) {
      const own = new Set<string>();
      const end = readLabels(line, (name) => Boolean(own.add(name)));
      const added = pairs.filter(({ name }) => !own.has(name)).map(({ pair }) => pair);
      if (end === undefined || added.length === 0) return line;
      NAME.lastIndex = 0;
      NAME.test(line);
      BRACE.lastIndex = NAME.lastIndex;
      const [brace] = BRACE.exec(line) ?? [];
      if (brace === undefined) return `${nameOf(line)}{${added.join()}} ${line.slice(end)}`;
      const rest = line.slice(BRACE.lastIndex);
      return `${nameOf(line)}{${added.join()}${rest.startsWith('}') ? '' : ','}${rest}`;
    },
  };
}
