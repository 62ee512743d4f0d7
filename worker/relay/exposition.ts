import type { DropReason } from '../../src/shared/labels.js';
import { RELAY_MAX_MIB } from '../../src/shared/protocol.js';
import { breathe } from '../breathe.js';
import { PIECE_BYTES, type Piece } from '../http/pieces.js';
import { METRIC_NAMES } from '../metrics/names.js';
import { createLabeller, type Labeller, nameOf, servedPart } from './sample.js';

/** Read or written in one go, in bytes: some milliseconds. */
const SLICE_BYTES = 256 * 1024;
/** A longer line is no sample of a sane registry. */
const LINE_MAX_BYTES = 64 * 1024;
/** What is kept in mind of a text besides its bytes is bounded by these. */
const FAMILIES_MAX = 10_000;
const RUNS_MAX = 100_000;

const NEWLINE = 10;
const HASH = 35;

const COMMENT = /^#[ \t]+(HELP|TYPE)[ \t]+([a-zA-Z_:][a-zA-Z0-9_:]*)(?:[ \t]+(.*))?$/s;
/** Labels whose values are numbers. */
const NUMBERED: ReadonlyMap<string | undefined, string> = new Map([
  ['histogram', 'le'],
  ['summary', 'quantile'],
]);
const SUFFIXES = ['', '_total', '_bucket', '_sum', '_count', '_created'];
const OURS: ReadonlySet<string> = new Set(
  METRIC_NAMES.flatMap((name) => SUFFIXES.map((suffix) => name + suffix)),
);
const TYPES: readonly string[] = ['counter', 'gauge', 'histogram', 'summary', 'untyped'];
/** OpenMetrics types that the text format does not know. */
const OPENMETRICS_ONLY: ReadonlyMap<string, string> = new Map([
  ['unknown', 'untyped'],
  ['info', 'gauge'],
  ['stateset', 'gauge'],
  ['gaugehistogram', 'untyped'],
]);

interface ForeignFamily {
  readonly name: string;
  /** A line. */
  help: string | undefined;
  /** One of `TYPES`. */
  type: string | undefined;
  lines: number;
  /**
   * Where its samples lie: start and end of each run of lines, one after the other, without the last newline.
   */
  readonly runs: number[];
  /** Why it cannot be served. */
  drop: DropReason | undefined;
}

/** What becomes of a foreign text. */
export interface CleanOptions {
  /** Whether it is OpenMetrics. */
  readonly openMetrics: boolean;
  /** Put on each series that has no label of that name. */
  readonly labels?: Readonly<Record<string, string>>;
  /** What is left of it takes no more, these labels included. */
  readonly maxBytes?: number;
  readonly onDrop: (reason: DropReason) => void;
}

/**
 * The families of a foreign exposition that can stand beside ours: none that we have too, none with a line
 * that would make Prometheus, or the parser of its tools, refuse the whole scrape. OpenMetrics is turned into
 * the text format 0.0.4.
 * @param text UTF-8; its lines are put right in place, so it is of no use afterwards
 */
export async function cleanFamilies(
  text: Uint8Array<ArrayBuffer>,
  { openMetrics, labels = {}, maxBytes = RELAY_MAX_MIB * 2 ** 20, onDrop }: CleanOptions,
): Promise<Piece[]> {
  const bytes = Buffer.from(text.buffer, text.byteOffset, text.byteLength);
  const reader = createReader(bytes, openMetrics);
  for (let at = 0, breatheAt = SLICE_BYTES; at < bytes.length; ) {
    const newline = bytes.indexOf(NEWLINE, at);
    const end = newline < 0 ? bytes.length : newline;
    if (end > at) reader.line(at, end);
    at = end + 1;
    if (at < breatheAt) continue;
    await breathe();
    breatheAt = at + SLICE_BYTES;
  }
  const labeller = createLabeller(labels);
  const writer = createWriter(labeller);
  let room = maxBytes;
  for (const family of reader.families()) {
    if (!family.drop && family.runs.length === 0) continue;
    const size = sizeOf(family) + family.lines * (labeller?.bytes ?? 0);
    if (!family.drop && size > room) family.drop = 'too_large';
    if (family.drop) onDrop(family.drop);
    else {
      room -= size;
      await writer.family(family, bytes);
    }
  }
  return writer.pieces();
}

interface Reader {
  /** Takes in the line from `at` to `end`, which is not empty. */
  line(at: number, end: number): void;
  families(): Iterable<ForeignFamily>;
}

function createReader(bytes: Buffer, openMetrics: boolean): Reader {
  const families = new Map<string, ForeignFamily>();
  const counters = openMetrics ? countersOf(bytes) : new Set<string>();
  let current: ForeignFamily | undefined;
  /** The family that had the latest sample: if it has the next too, that goes to the same run. */
  let writing: ForeignFamily | undefined;
  let runs = 0;
  /** Of those that are too many. */
  let surplus: ForeignFamily | undefined;

  function familyOf(name: string): ForeignFamily {
    const known = families.get(name);
    if (known) return known;
    const made = newFamily(name);
    if (families.size < FAMILIES_MAX) families.set(name, made);
    else {
      surplus ??= { ...made, drop: 'too_large' };
      return surplus;
    }
    return made;
  }

  function comment(line: string): void {
    const [, keyword, foreignName, rest = ''] = COMMENT.exec(line) ?? [];
    if (keyword === undefined || foreignName === undefined) return;
    // OpenMetrics names a counter's family without the suffix that its samples have.
    const suffix = counters.has(foreignName) && !foreignName.endsWith('_total') ? '_total' : '';
    current = familyOf(foreignName + suffix);
    if (keyword === 'HELP') current.help ??= `# HELP ${current.name} ${escaped(rest)}`.trimEnd();
    else {
      const type = OPENMETRICS_ONLY.get(rest.trim()) ?? rest.trim();
      if (!TYPES.includes(type) || (current.type ?? type) !== type) current.drop ??= 'invalid';
      current.type = type;
    }
  }

  function sample(at: number, end: number): void {
    const line = bytes.toString('latin1', at, Math.min(end, at + LINE_MAX_BYTES));
    const name = nameOf(line);
    if (name === '' && line.trim() === '') return;
    // A line without a name spoils the family that it stands in.
    if (!current || (name !== '' && !belongs(name, current.name))) current = familyOf(name);
    if (OURS.has(name)) current.drop = 'duplicate';
    const kept =
      name === '' || end - at > LINE_MAX_BYTES ? undefined : servedPart(line, NUMBERED.get(current.type));
    if (kept === undefined) current.drop ??= 'invalid';
    else if (!current.drop && !(openMetrics && name.endsWith('_created'))) keep(current, at, end, line, kept);
  }

  /**
   * What is kept of a line is never longer than the line: it is written where the run ends, over what was
   * read already.
   */
  function keep(family: ForeignFamily, at: number, end: number, line: string, kept: string): void {
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
  }

  return {
    line(at, end) {
      if (bytes[at] !== HASH) sample(at, end);
      else if (end - at <= LINE_MAX_BYTES) comment(bytes.toString('utf8', at, end));
    },
    families: () => (surplus ? [...families.values(), surplus] : families.values()),
  };
}

function newFamily(name: string): ForeignFamily {
  return {
    name,
    help: undefined,
    type: undefined,
    lines: 0,
    runs: [],
    drop: OURS.has(name) ? 'duplicate' : undefined,
  };
}

function belongs(sample: string, family: string): boolean {
  return sample.startsWith(family) && SUFFIXES.includes(sample.slice(family.length));
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

function headOf({ name, help, type }: ForeignFamily): string {
  return `${help === undefined ? '' : `${help}\n`}${type === undefined ? '' : `# TYPE ${name} ${type}\n`}`;
}

function sizeOf(family: ForeignFamily): number {
  const { runs } = family;
  let size = Buffer.byteLength(headOf(family)) + 1;
  for (let run = 0; run < runs.length; run += 2)
    size += (runs[run + 1] as number) - (runs[run] as number) + 1;
  return size;
}

interface Writer {
  family(family: ForeignFamily, bytes: Buffer): Promise<void>;
  pieces(): Piece[];
}

/** Puts families together, an empty line between them. */
function createWriter(labeller: Labeller | undefined): Writer {
  const pieces: Piece[] = [];
  let open = Buffer.allocUnsafeSlow(PIECE_BYTES);
  let used = 0;

  async function write(from: Buffer): Promise<void> {
    for (let at = 0; at < from.length; ) {
      if (used === open.length) {
        pieces.push({ plain: open });
        open = Buffer.allocUnsafeSlow(PIECE_BYTES);
        used = 0;
        await breathe();
      }
      const copied = from.copy(open, used, at);
      used += copied;
      at += copied;
    }
  }

  /** Whole lines, the last without its end. */
  async function writeRun(run: Buffer): Promise<void> {
    for (let at = 0; at < run.length; ) {
      const newline = labeller ? run.indexOf(NEWLINE, at + PIECE_BYTES) : -1;
      const end = newline < 0 ? run.length : newline;
      await write(labeller ? labelled(run.toString('latin1', at, end), labeller) : run);
      await write(LINE_END);
      at = end + 1;
    }
  }

  return {
    async family(family, bytes) {
      const between = used > 0 || pieces.length > 0 ? '\n' : '';
      await write(Buffer.from(between + headOf(family)));
      const { runs } = family;
      for (let run = 0; run < runs.length; run += 2) await writeRun(bytes.subarray(runs[run], runs[run + 1]));
    },
    pieces: () => (used > 0 ? [...pieces, { plain: Buffer.from(open.subarray(0, used)) }] : pieces),
  };
}

const labelled = (lines: string, { label }: Labeller): Buffer =>
  Buffer.from(lines.split('\n').map(label).join('\n'), 'latin1');

const LINE_END = Buffer.from('\n');
