import type { DropReason } from '../../src/shared/labels.js';
import { breathe } from '../breathe.js';
import { PIECE_BYTES, type Piece } from '../http/pieces.js';
import { METRIC_NAMES } from '../metrics/names.js';

/** Read or written in one go, in bytes: some milliseconds. */
const SLICE_BYTES = 256 * 1024;
/** A longer line is no sample of a sane registry. */
const LINE_MAX_BYTES = 64 * 1024;
/** What is kept in mind of a text besides its bytes is bounded by these. */
const FAMILIES_MAX = 10_000;
const RUNS_MAX = 100_000;

const NEWLINE = 10;
const HASH = 35;

const COMMENT = /^# (HELP|TYPE) ([a-zA-Z_:][a-zA-Z0-9_:]*)(?: (.*))?$/;
const SAMPLE =
  /^([a-zA-Z_:][a-zA-Z0-9_:]*)(\{(?:[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\]|\\.)*",?)*\})? +(\S+)(?: +(\S+))?(?: +# .*)?$/;
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
  /** Lines. */
  help: string | undefined;
  type: string | undefined;
  /** Where its samples lie: start and end of each run of lines, one after the other, without the last newline. */
  readonly runs: number[];
  /** Why it cannot be served. */
  drop: DropReason | undefined;
}

/**
 * The families of a foreign exposition that can stand beside ours: none that we have too, none with a line that would
 * make Prometheus refuse the whole scrape. OpenMetrics is turned into the text format 0.0.4.
 * @param text UTF-8; its lines are put right in place, so it is of no use afterwards
 */
export async function cleanFamilies(
  text: Uint8Array<ArrayBuffer>,
  openMetrics: boolean,
  onDrop: (reason: DropReason) => void,
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
  const writer = createWriter();
  for (const family of reader.families()) {
    if (family.drop) onDrop(family.drop);
    else if (family.runs.length > 0) await writer.family(family, bytes);
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
    const { name } = current;
    if (keyword === 'HELP') current.help ??= `# HELP ${name} ${rest}`.trimEnd();
    else {
      const type = OPENMETRICS_ONLY.get(rest) ?? rest;
      if (current.type !== undefined || !TYPES.includes(type)) current.drop ??= 'invalid';
      current.type = `# TYPE ${name} ${type}`;
    }
  }

  function sample(at: number, end: number): void {
    const line = bytes.toString('latin1', at, end);
    const [, name, labels = '', value = '', timestamp] = SAMPLE.exec(line) ?? [];
    if (name === undefined) {
      if (current) current.drop ??= 'invalid';
      return;
    }
    if (!current || !belongs(name, current.name)) current = familyOf(name);
    if (OURS.has(name)) current.drop = 'duplicate';
    if (!isValue(value) || (timestamp !== undefined && !isValue(timestamp))) current.drop ??= 'invalid';
    if (current.drop || (openMetrics && name.endsWith('_created'))) return;
    // Timestamps are seconds in OpenMetrics and milliseconds here; a relayed copy needs none.
    keep(current, at, end, line, `${name}${labels} ${value}`);
  }

  /** What is kept of a line is never longer than the line: it is written where the run ends, over what was read already. */
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
    if (kept !== line) bytes.write(kept, to, 'latin1');
    else if (to !== at) bytes.copyWithin(to, at, end);
    own[own.length - 1] = to + kept.length;
  }

  return {
    line(at, end) {
      if (end - at > LINE_MAX_BYTES) {
        if (current) current.drop ??= 'invalid';
      } else if (bytes[at] === HASH) comment(bytes.toString('utf8', at, end));
      else sample(at, end);
    },
    families: () => (surplus ? [...families.values(), surplus] : families.values()),
  };
}

function newFamily(name: string): ForeignFamily {
  return {
    name,
    help: undefined,
    type: undefined,
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

/** As Prometheus reads numbers: decimal, in the range of a double. */
function isValue(text: string): boolean {
  if (/^(?:NaN|[+-]?Inf)$/.test(text)) return true;
  return /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i.test(text) && Number.isFinite(Number(text));
}

interface Writer {
  family(family: ForeignFamily, bytes: Buffer): Promise<void>;
  pieces(): Piece[];
}

/** Puts families together, an empty line between them. */
function createWriter(): Writer {
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

  return {
    async family({ help, type, runs }, bytes) {
      const between = used > 0 || pieces.length > 0 ? '\n' : '';
      const head = [help, type].map((line) => (line === undefined ? '' : `${line}\n`)).join('');
      await write(Buffer.from(between + head));
      for (let run = 0; run < runs.length; run += 2) {
        await write(bytes.subarray(runs[run], runs[run + 1]));
        await write(LINE_END);
      }
    },
    pieces: () => (used > 0 ? [...pieces, { plain: Buffer.from(open.subarray(0, used)) }] : pieces),
  };
}

const LINE_END = Buffer.from('\n');
