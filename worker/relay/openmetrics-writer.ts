import { floatText } from '../metrics/openmetrics.js';
import { type ForeignFamily, NUMBERED, PART_SUFFIXES } from './families.js';
import { createSeriesMemory, isSound } from './openmetrics-rules.js';
import { seriesKey } from './points.js';
import { asNumber, type ExemplarParts, type Label, partsOf } from './sample.js';
import { type FamilyWriter, linesOf, openSink } from './sink.js';

/** A family in the text, or a part of one. */
interface Served {
  readonly name: string;
  readonly type: string;
  /** Of the samples that are in it; all if absent. */
  readonly only?: string;
}

/**
 * OpenMetrics 1.0. All series keep their names: what OpenMetrics does not allow to be of its type is served as of
 * unknown type, by the names of its samples.
 * @param statics put on each series that has no label of that name
 * @param all families that are served
 */
export function createOpenMetricsWriter(
  statics: readonly Label[],
  all: readonly ForeignFamily[],
): FamilyWriter {
  const sink = openSink();
  const names = createNames(all);

  async function write(served: Served, family: ForeignFamily, bytes: Buffer): Promise<void> {
    const { only, type } = served;
    const numbered = NUMBERED.get(family.type);
    const exemplary = exemplaryName(type, family);
    const series = createSeriesMemory();
    let number = 0;
    const convert = (line: string): string => {
      const { name, labels, value } = partsOf(line);
      const exemplar = name === exemplary ? family.exemplars.get(number) : undefined;
      number++;
      if (only !== undefined && name !== only) return '';
      if (!series.isNew(name + seriesKey(labels))) return '';
      return `${name}${labelsText(withStatics(labels, statics), numbered)} ${value}${exemplarText(exemplar)}\n`;
    };
    await sink.write(Buffer.from(headOf(served, family)));
    for (const lines of linesOf(family, bytes))
      await sink.write(Buffer.from(lines.map(convert).join(''), 'latin1'));
  }

  return {
    async family(family, bytes) {
      const typed = names.typed(family);
      if (typed && (await isSound(family, bytes))) {
        names.take(typed);
        await write(typed, family, bytes);
      } else
        for (const name of namesIn(family, bytes))
          await write({ name, type: 'unknown', only: name }, family, bytes);
    },
    pieces: sink.pieces,
  };
}

/** Keeps apart the names that types reserve: a strict parser refuses the whole scrape for one that is in two families. */
function createNames(all: readonly ForeignFamily[]): {
  /** The family by its own type, if its names are free. */
  typed(family: ForeignFamily): Served | undefined;
  take(served: Served): void;
} {
  const plain = new Set(all.map(({ name }) => name));
  const reserved = new Set(
    all
      .filter(({ type }) => NUMBERED.has(type))
      .flatMap(({ name }) => PART_SUFFIXES.map((suffix) => name + suffix)),
  );
  return {
    typed({ name, type = 'untyped' }) {
      if (type === 'untyped') return undefined;
      if (type === 'gauge') return { name, type };
      if (type !== 'counter')
        return PART_SUFFIXES.some((suffix) => plain.has(name + suffix)) ? undefined : { name, type };
      const base = name.replace(/_total$/, '');
      const isFree = (one: string): boolean => !plain.has(one) && !reserved.has(one);
      return base !== '' && isFree(base) && isFree(`${base}_created`) ? { name: base, type } : undefined;
    },
    take({ name, type }) {
      if (type === 'counter') reserved.add(name).add(`${name}_created`);
    },
  };
}

/** Of its samples, in the order in which they first come. */
function namesIn(family: ForeignFamily, bytes: Buffer): ReadonlySet<string> {
  if (!NUMBERED.has(family.type)) return new Set([family.name]);
  const names = new Set<string>();
  for (const lines of linesOf(family, bytes)) for (const line of lines) names.add(partsOf(line).name);
  return names;
}

function headOf({ name, type }: Served, { help }: ForeignFamily): string {
  const helpLine = help === undefined ? '' : `# HELP ${name} ${help.replace(/"/g, '\\"')}\n`;
  return `# TYPE ${name} ${type}\n${helpLine}`;
}

/** Samples of this name may have exemplars; on another one of them would cost the whole scrape. */
function exemplaryName(type: string, { name }: ForeignFamily): string | undefined {
  if (type === 'histogram') return `${name}_bucket`;
  return type === 'counter' ? name : undefined;
}

/** Those that are put on come first, as in the text format. */
export function withStatics(labels: readonly Label[], statics: readonly Label[]): readonly Label[] {
  if (statics.length === 0) return labels;
  return [...statics.filter(([name]) => labels.every(([own]) => own !== name)), ...labels];
}

function labelsText(labels: readonly Label[], numbered?: string): string {
  const pairs = labels.map(
    ([name, value]) => `${name}="${name === numbered ? floatText(asNumber(value)) : value}"`,
  );
  return pairs.length > 0 ? `{${pairs.join()}}` : '';
}

function exemplarText(exemplar: ExemplarParts | undefined): string {
  if (exemplar === undefined) return '';
  const { labels, value, timestamp } = exemplar;
  return ` # ${labelsText(labels) || '{}'} ${value}${timestamp === undefined ? '' : ` ${timestamp}`}`;
}
