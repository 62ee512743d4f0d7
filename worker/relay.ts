import { withDeadline } from '../src/shared/deadline.js';
import { METRIC_NAMES } from './metrics/names.js';

/** How long a scrape waits for the app's registry, at most. */
const DEADLINE_MS = 250;
/** The part of Prometheus' scrape time-out that may go to the relay. */
const TIMEOUT_SHARE = 0.5;
/** A registry that has not answered for this long is given up, and asked anew. */
const GIVE_UP_MS = 10_000;
const GIVE_UP_MAX_MS = 600_000;

interface Copy {
  readonly text: string;
  readonly atMs: number;
}

export interface RelayOptions {
  /** Asks main for the registry's text. */
  readonly fetch: () => Promise<{ readonly text: string; readonly contentType: string }>;
  readonly now: () => number;
  /** Turns of main's loop. */
  readonly turns: () => number;
  readonly onError: () => void;
  /** When a question is given up, in milliseconds; for tests. */
  readonly giveUpMs?: number;
  /** A family was left out. */
  readonly onDrop: (reason: DropReason) => void;
}

/** The app's own registry, as last heard of. */
export interface Relay {
  /**
   * Asks main for a new copy, unless it is blocked or still busy with the last question, and waits for the answer until
   * the deadline. Never rejects.
   * @param scrapeTimeoutMs the scraper's own time-out, if it told
   */
  refresh(mainBlocked: boolean, scrapeTimeoutMs: number | undefined): Promise<void>;
  /** Empty before the first answer. */
  text(): string;
  ageMs(nowMs: number): number | undefined;
}

export function createRelay(options: RelayOptions): Relay {
  const { giveUpMs: firstMs = GIVE_UP_MS } = options;
  let giveUpMs = firstMs;
  let copy: Copy | undefined;
  let asking: Promise<void> | undefined;

  async function ask(): Promise<void> {
    const turn = options.turns();
    let silent = false;
    try {
      const { text, contentType } = await withDeadline(options.fetch(), giveUpMs, () => {
        silent = true;
        return new Error('the registry does not answer');
      });
      const kept = cleanFamilies(text, contentType.includes('openmetrics'), options.onDrop);
      giveUpMs = firstMs;
      copy = { text: kept, atMs: options.now() };
    } catch {
      // Main has not turned since: no fault of its registry's.
      if (silent && options.turns() === turn) return;
      // The app's registry threw, or hangs: counted, and the last copy goes on being served.
      options.onError();
      // A registry that hangs keeps each question for good: let them be few.
      giveUpMs = Math.min(giveUpMs * 2, GIVE_UP_MAX_MS);
    } finally {
      asking = undefined;
    }
  }

  return {
    async refresh(mainBlocked, scrapeTimeoutMs = Number.POSITIVE_INFINITY) {
      if (mainBlocked) return;
      // One question at a time: a registry that never answers must not gather questions.
      asking ??= ask();
      await Promise.race([asking, delay(Math.min(DEADLINE_MS, scrapeTimeoutMs * TIMEOUT_SHARE))]);
    },
    text: () => copy?.text ?? '',
    ageMs: (nowMs) => (copy ? nowMs - copy.atMs : undefined),
  };
}

function delay(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms).unref();
  });
}

export const DROP_REASONS = ['duplicate', 'invalid'] as const;
export type DropReason = (typeof DROP_REASONS)[number];

interface ForeignFamily {
  readonly name: string;
  type: string | undefined;
  readonly comments: string[];
  readonly samples: string[];
  sound: boolean;
  /** Its name, or that of one of its samples, is one of ours. */
  ours: boolean;
}

const COMMENT = /^# (HELP|TYPE) ([a-zA-Z_:][a-zA-Z0-9_:]*)(?: (.*))?$/;
const SAMPLE =
  /^([a-zA-Z_:][a-zA-Z0-9_:]*)(\{(?:[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\]|\\.)*",?)*\})? +(\S+)(?: +(\S+))?(?: +# .*)?$/;
const SUFFIXES = ['', '_total', '_bucket', '_sum', '_count', '_created'];
const OURS: ReadonlySet<string> = new Set(
  METRIC_NAMES.flatMap((name) => SUFFIXES.map((suffix) => name + suffix)),
);

/**
 * The families of a foreign exposition that can stand beside ours: none that we have too, none with a line that would
 * make Prometheus refuse the whole scrape. OpenMetrics is turned into the text format 0.0.4.
 */
export function cleanFamilies(
  text: string,
  openMetrics: boolean,
  onDrop: (reason: DropReason) => void,
): string {
  const families = readFamilies(text, openMetrics);
  const kept: string[] = [];
  for (const family of families.values()) {
    if (family.ours) onDrop('duplicate');
    else if (!family.sound) onDrop('invalid');
    else if (family.samples.length > 0) kept.push([...family.comments, ...family.samples].join('\n'));
  }
  return kept.length > 0 ? `${kept.join('\n\n')}\n` : '';
}

function readFamilies(text: string, openMetrics: boolean): Map<string, ForeignFamily> {
  const families = new Map<string, ForeignFamily>();
  const familyOf = (name: string): ForeignFamily => {
    const known = families.get(name);
    if (known) return known;
    const made: ForeignFamily = {
      name,
      type: undefined,
      comments: [],
      samples: [],
      sound: true,
      ours: OURS.has(name),
    };
    families.set(name, made);
    return made;
  };
  const types = openMetrics ? typesOf(text) : new Map<string, string>();
  let current: ForeignFamily | undefined;
  for (const line of text.split('\n')) {
    if (line === '') continue;
    if (line.startsWith('#')) {
      const [, keyword, foreignName, rest = ''] = COMMENT.exec(line) ?? [];
      if (keyword === undefined || foreignName === undefined) continue;
      // OpenMetrics names a counter's family without the suffix that its samples have.
      const isCounter = types.get(foreignName) === 'counter';
      const name = isCounter && !foreignName.endsWith('_total') ? `${foreignName}_total` : foreignName;
      current = familyOf(name);
      if (keyword === 'TYPE' && (current.type !== undefined || !isType(OPENMETRICS_ONLY.get(rest) ?? rest))) {
        current.sound = false;
      }
      if (keyword === 'TYPE') current.type = rest;
      const known = OPENMETRICS_ONLY.get(rest);
      current.comments.push(`# ${keyword} ${name} ${keyword === 'TYPE' && known ? known : rest}`.trimEnd());
      continue;
    }
    const [, name, labels = '', value = '', timestamp] = SAMPLE.exec(line) ?? [];
    if (name === undefined) {
      if (current) current.sound = false;
      continue;
    }
    if (!current || !SUFFIXES.some((suffix) => current?.name + suffix === name)) current = familyOf(name);
    if (OURS.has(name)) current.ours = true;
    if (!isValue(value) || (timestamp !== undefined && !isValue(timestamp))) current.sound = false;
    if (openMetrics && name.endsWith('_created')) continue;
    // Timestamps are seconds in OpenMetrics and milliseconds here; a relayed copy needs none.
    current.samples.push(`${name}${labels} ${value}`);
  }
  return families;
}

/** OpenMetrics types that the text format does not know. */
const OPENMETRICS_ONLY: ReadonlyMap<string, string> = new Map([
  ['unknown', 'untyped'],
  ['info', 'gauge'],
  ['stateset', 'gauge'],
  ['gaugehistogram', 'untyped'],
]);

function typesOf(text: string): Map<string, string> {
  return new Map(
    [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name, type]) => [name ?? '', type ?? '']),
  );
}

function isType(text: string): boolean {
  return ['counter', 'gauge', 'histogram', 'summary', 'untyped'].includes(text);
}

/** As Prometheus reads numbers: decimal, in the range of a double. */
function isValue(text: string): boolean {
  if (/^(?:NaN|[+-]?Inf)$/.test(text)) return true;
  return /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i.test(text) && Number.isFinite(Number(text));
}
