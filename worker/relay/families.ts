import type { DropReason } from '../../src/shared/labels.js';
import { METRIC_NAMES, PROCESS_NAMES } from '../metrics/names.js';
import { type ExemplarParts, exemplarOf, nameOf, servedPart } from './sample.js';

/** A longer line is no sample of a sane registry. */
const LINE_MAX_BYTES = 64 * 1024;
/** What is kept in mind of a text besides its bytes is bounded by these. */
const FAMILIES_MAX = 10_000;
const RUNS_MAX = 100_000;
const EXEMPLARS_MAX = 10_000;

export const NEWLINE = 10;
const HASH = 35;

const COMMENT = /^#[ \t]+(HELP|TYPE)[ \t]+([a-zA-Z_:][a-zA-Z0-9_:]*)(?:[ \t]+(.*))?$/s;
/** Labels whose values are numbers. */
export const NUMBERED: ReadonlyMap<string | undefined, string> = new Map([
  ['histogram', 'le'],
  ['summary', 'quantile'],
]);
const CREATED = '_created';
/** What the samples of a histogram or summary may add to its name. */
export const PART_SUFFIXES: readonly string[] = ['_bucket', '_sum', '_count', CREATED];
const SUFFIXES = ['', '_total', ...PART_SUFFIXES];
/** Ours by the names of the text format, and by those of OpenMetrics. */
const withSuffixes = (names: readonly string[]): ReadonlySet<string> =>
  new Set(
    names
      .flatMap((name) => [name, name.replace(/_total$/, '')])
      .flatMap((name) => SUFFIXES.map((suffix) => name + suffix)),
  );
const OURS = withSuffixes(METRIC_NAMES);
const OURS_WITHOUT_PROCESS = withSuffixes(METRIC_NAMES.filter((name) => !PROCESS_NAMES.includes(name)));
const TYPES = ['counter', 'gauge', 'histogram', 'summary', 'untyped'] as const;
/** As the text format knows it. */
type ForeignType = (typeof TYPES)[number];
/** OpenMetrics types that the text format does not know. */
const OPENMETRICS_ONLY: ReadonlyMap<string, ForeignType> = new Map([
  ['unknown', 'untyped'],
  ['info', 'gauge'],
  ['stateset', 'gauge'],
  ['gaugehistogram', 'untyped'],
]);

export interface ForeignFamily {
  readonly name: string;
  /** As it stands in the text format, backslashes and line ends escaped. */
  help: string | undefined;
  type: ForeignType | undefined;
  lines: number;
  /** Where its samples lie: start and end of each run of lines in turn, without the last newline. */
  readonly runs: number[];
  /** By the number of their line, from 0; what the text format does not have. */
  readonly exemplars: Map<number, ExemplarParts>;
  /** Why it cannot be served. */
  drop: DropReason | undefined;
}

export interface Reader {
  /** Takes in the line from `at` to `end`, which is not empty. */
  line(at: number, end: number): void;
  families(): Iterable<ForeignFamily>;
}

export function createReader(bytes: Buffer, openMetrics: boolean, processMetrics: boolean): Reader {
  const ours = processMetrics ? OURS : OURS_WITHOUT_PROCESS;
  const counters = openMetrics ? countersOf(bytes) : new Set<string>();
  const families = openFamilies(ours);
  const keep = openRuns(bytes);
  let current: ForeignFamily | undefined;
  let exemplars = 0;

  function comment(line: string): void {
    const [, keyword, foreignName, rest = ''] = COMMENT.exec(line) ?? [];
    if (keyword === undefined || foreignName === undefined) return;
    // OpenMetrics names a counter's family without the suffix that its samples have.
    const suffix = counters.has(foreignName) && !foreignName.endsWith('_total') ? '_total' : '';
    current = families.get(foreignName + suffix);
    if (keyword === 'HELP') current.help ??= escaped(rest);
    else noteType(current, rest.trim());
  }

  /** The family of a sample. A line without a name spoils the family that it stands in. */
  function familyOf(name: string): ForeignFamily {
    const goesOn = current && (name === '' || belongs(name, current));
    return goesOn ? (current as ForeignFamily) : families.get(name);
  }

  /** When a series began: the text format does not tell. Others may have such a name for what they are. */
  function isCreated(name: string, { name: family, type }: ForeignFamily): boolean {
    if (!openMetrics || !name.endsWith(CREATED) || (name === family && type)) return false;
    const of = name.slice(0, -CREATED.length);
    return counters.has(of) || counters.has(`${of}_total`) || (of === family && NUMBERED.has(type));
  }

  function sample(at: number, end: number): void {
    const line = bytes.toString('latin1', at, Math.min(end, at + LINE_MAX_BYTES));
    const name = nameOf(line);
    if (name === '' && line.trim() === '') return;
    current = familyOf(name);
    if (ours.has(name)) current.drop = 'duplicate';
    const kept = end - at > LINE_MAX_BYTES ? undefined : keptOf(line, name, current);
    if (kept === undefined) current.drop ??= 'invalid';
    else if (!current.drop && !isCreated(name, current)) {
      keep(current, at, end, line, kept);
      noteExemplar(current, line);
    }
  }

  /** Of the latest line of the family. */
  function noteExemplar(family: ForeignFamily, line: string): void {
    if (!openMetrics || exemplars >= EXEMPLARS_MAX || !line.includes(' # {')) return;
    const exemplar = exemplarOf(line);
    if (exemplar === undefined) return;
    exemplars++;
    family.exemplars.set(family.lines - 1, exemplar);
  }

  return {
    line(at, end) {
      if (bytes[at] !== HASH) sample(at, end);
      else if (end - at <= LINE_MAX_BYTES) comment(bytes.toString('utf8', at, end));
    },
    families: families.all,
  };
}

/** What of a line can be served; `undefined` if it is no sample. */
const keptOf = (line: string, name: string, { type }: ForeignFamily): string | undefined =>
  name === '' ? undefined : servedPart(line, NUMBERED.get(type));

function noteType(family: ForeignFamily, said: string): void {
  const type = OPENMETRICS_ONLY.get(said) ?? TYPES.find((one) => one === said);
  if (type === undefined || (family.type ?? type) !== type) family.drop ??= 'invalid';
  family.type = type;
}

/** The families by name, as many as are kept in mind. */
function openFamilies(ours: ReadonlySet<string>): {
  get(name: string): ForeignFamily;
  all(): Iterable<ForeignFamily>;
} {
  const families = new Map<string, ForeignFamily>();
  /** Of those that are too many. */
  let surplus: ForeignFamily | undefined;
  return {
    get(name) {
      const known = families.get(name);
      if (known) return known;
      const made = newFamily(name, ours.has(name));
      if (families.size >= FAMILIES_MAX) {
        surplus ??= { ...made, drop: 'too_large' };
        return surplus;
      }
      families.set(name, made);
      return made;
    },
    all() {
      for (const part of families.values()) {
        const whole = wholeOf(part, families);
        if (!whole) continue;
        takeIn(whole, part);
        families.delete(part.name);
      }
      return surplus ? [...families.values(), surplus] : families.values();
    },
  };
}

/** The histogram or summary of whose samples this family has the name: readers take it for a part of that. */
function wholeOf(
  part: ForeignFamily,
  families: ReadonlyMap<string, ForeignFamily>,
): ForeignFamily | undefined {
  const end = part.name.search(/_(?:bucket|sum|count)$/);
  if (end < 0 || part.drop || NUMBERED.has(part.type)) return undefined;
  const whole = families.get(part.name.slice(0, end));
  return whole && !whole.drop && NUMBERED.has(whole.type) ? whole : undefined;
}

function takeIn(whole: ForeignFamily, part: ForeignFamily): void {
  for (const [line, exemplar] of part.exemplars) whole.exemplars.set(whole.lines + line, exemplar);
  for (const edge of part.runs) whole.runs.push(edge);
  whole.lines += part.lines;
}

/**
 * What is kept of a line is never longer than the line: it is written where the run ends, over what was read
 * already.
 */
function openRuns(
  bytes: Buffer,
): (family: ForeignFamily, at: number, end: number, line: string, kept: string) => void {
  /** The family that had the latest sample: if it has the next too, that goes to the same run. */
  let writing: ForeignFamily | undefined;
  let runs = 0;
  return (family, at, end, line, kept) => {
    const { runs: own } = family;
    let to = at;
    if (writing === family) {
      to = (own.at(-1) as number) + 1;
      bytes[to - 1] = NEWLINE;
    } else if (++runs > RUNS_MAX) {
      family.drop = 'too_large';
      return;
    } else own.push(at, at);
    writing = family;
    family.lines++;
    if (kept !== line) bytes.write(kept, to, 'latin1');
    else if (to !== at) bytes.copyWithin(to, at, end);
    own[own.length - 1] = to + kept.length;
  };
}

function newFamily(name: string, ours: boolean): ForeignFamily {
  return {
    name,
    help: undefined,
    type: undefined,
    lines: 0,
    runs: [],
    exemplars: new Map(),
    drop: ours ? 'duplicate' : undefined,
  };
}

function belongs(sample: string, { name, type }: ForeignFamily): boolean {
  if (sample === name) return true;
  return NUMBERED.has(type) && sample.startsWith(name) && PART_SUFFIXES.includes(sample.slice(name.length));
}

/** The names of the families that are counters. */
function countersOf(bytes: Buffer): Set<string> {
  const names = new Set<string>();
  for (let at = bytes.indexOf('# TYPE '); at >= 0 && names.size < FAMILIES_MAX; ) {
    const newline = bytes.indexOf(NEWLINE, at);
    const end = Math.min(newline < 0 ? bytes.length : newline, at + LINE_MAX_BYTES);
    const [, , name = '', type] = bytes.toString('latin1', at, end).split(' ');
    if (type === 'counter' && (at === 0 || bytes[at - 1] === NEWLINE)) names.add(name);
    at = bytes.indexOf('# TYPE ', end);
  }
  return names;
}

/** A backslash that escapes nothing is one. */
function escaped(help: string): string {
  return help.replace(/\\[\\n]?/g, (found) => (found.length > 1 ? found : '\\\\'));
}
