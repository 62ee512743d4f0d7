import { type ForeignFamily, NUMBERED } from './families.js';
import { type ExemplarParts, type Label, partsOf } from './sample.js';
import { type FamilyWriter, openSink, partsOfRun, runsOf } from './sink.js';

/**
 * OpenMetrics 1.0. All series keep their names: a counter without `_total`, which OpenMetrics does not allow, is
 * served as of unknown type, and so is one whose name without it is another family's.
 * @param statics put on each series that has no label of that name
 * @param names of all families that are served
 */
export function createOpenMetricsWriter(statics: readonly Label[], names: ReadonlySet<string>): FamilyWriter {
  const sink = openSink();
  return {
    async family(family, bytes) {
      const { name, type } = servedAs(family, names);
      const numbered = NUMBERED.get(type);
      const exemplary = exemplaryName(type, family);
      let number = 0;
      const convert = (line: string): string => {
        const { name: sample, labels, value } = partsOf(line);
        const exemplar = sample === exemplary ? family.exemplars.get(number) : undefined;
        number++;
        return `${sample}${labelsText(withStatics(labels, statics), numbered)} ${value}${exemplarText(exemplar)}\n`;
      };
      await sink.write(Buffer.from(headOf(name, type, family)));
      for (const run of runsOf(family, bytes)) {
        for (const part of partsOfRun(run)) {
          const lines = part.toString('latin1').split('\n');
          await sink.write(Buffer.from(lines.map(convert).join(''), 'latin1'));
        }
      }
    },
    pieces: sink.pieces,
  };
}

function servedAs(
  { name, type = 'untyped' }: ForeignFamily,
  names: ReadonlySet<string>,
): { readonly name: string; readonly type: string } {
  if (type === 'untyped') return { name, type: 'unknown' };
  if (type !== 'counter') return { name, type };
  const base = name.replace(/_total$/, '');
  return base === name || names.has(base) ? { name, type: 'unknown' } : { name: base, type };
}

function headOf(name: string, type: string, { help }: ForeignFamily): string {
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
  const pairs = labels.map(([name, value]) => `${name}="${name === numbered ? floatText(value) : value}"`);
  return pairs.length > 0 ? `{${pairs.join()}}` : '';
}

/** As all have to spell it in a label: `1.0`, not `1`. */
const floatText = (number: string): string => (/^[+-]?\d+$/.test(number) ? `${Number(number)}.0` : number);

function exemplarText(exemplar: ExemplarParts | undefined): string {
  if (exemplar === undefined) return '';
  const { labels, value, timestamp } = exemplar;
  return ` # ${labelsText(labels) || '{}'} ${value}${timestamp === undefined ? '' : ` ${timestamp}`}`;
}
