import type { Exemplar, Family, Labels, Sample } from './family.js';
import type { Complete, CreatedAt, Write } from './render.js';

/** What an exemplar's labels take together at most: OpenMetrics has it in characters, names and values. */
export const EXEMPLAR_MAX_CHARS = 128;

/** The last line: without it a text that was cut off would be taken for whole. */
export const OPENMETRICS_END = '# EOF\n';

const UNIT = /_(seconds|bytes|ratio)$/;

/** OpenMetrics 1.0, without its end. A set of labels keeps its text. */
export function createOpenMetricsWriter(complete: Complete): Write<string> {
  const texts = new WeakMap<Labels, string>();

  function textOf(labels: Labels): string {
    const known = texts.get(labels);
    if (known !== undefined) return known;
    const text = labelsText(labels);
    texts.set(labels, text);
    return text;
  }

  function* linesOf(family: Family, createdAt: CreatedAt): Generator<string> {
    const name = openMetricsName(family);
    yield* headOf(name, family);
    for (const sample of family.samples) {
      const { value, suffix = '', exemplar } = sample;
      const labels = complete(sample.labels ?? {});
      const tail = exemplar ? exemplarText(exemplar) : '';
      yield `${family.name}${suffix}${textOf(labels)} ${numberText(value)}${tail}\n`;
      if (!endsPoint(family, sample)) continue;
      const createdMs = createdAt(family, labels);
      if (createdMs !== undefined) yield `${name}_created${textOf(labels)} ${createdMs / 1000}\n`;
    }
  }

  return (families, createdAt) => {
    let text = '';
    for (const family of families) for (const line of linesOf(family, createdAt)) text += line;
    return text;
  };
}

/** A counter's family has no suffix; its samples have. */
const openMetricsName = ({ name, type }: Family): string =>
  type === 'counter' ? name.replace(/_total$/, '') : name;

function headOf(name: string, { type, help }: Family): string[] {
  const [, unit] = UNIT.exec(name) ?? [];
  return [
    `# TYPE ${name} ${type}\n`,
    ...(unit === undefined ? [] : [`# UNIT ${name} ${unit}\n`]),
    `# HELP ${name} ${escaped(help)}\n`,
  ];
}

/** Whether this is the last sample of a counter or histogram. */
const endsPoint = ({ type }: Family, { suffix }: Sample): boolean =>
  type === 'counter' || (type === 'histogram' && suffix === '_count');

const escaped = (text: string): string =>
  text.replace(/[\\"]/g, (found) => `\\${found}`).replace(/\n/g, '\\n');

function labelsText(labels: Labels): string {
  const pairs = Object.entries(labels).map(
    ([name, value]) => `${name}="${typeof value === 'number' ? floatText(value) : escaped(value)}"`,
  );
  return pairs.length > 0 ? `{${pairs.join()}}` : '';
}

/** As Prometheus spells it in a label, and so all have to: `1.0`, `2.5e+06`, `1e-05`. */
export function floatText(value: number): string {
  if (!Number.isFinite(value)) return numberText(value);
  const [digits, power] = value.toExponential().split('e');
  const exponent = Number(power);
  if (exponent >= -4 && exponent < 6) return Number.isInteger(value) ? `${value}.0` : String(value);
  return `${digits}e${exponent < 0 ? '-' : '+'}${String(Math.abs(exponent)).padStart(2, '0')}`;
}

function numberText(value: number): string {
  if (Number.isFinite(value) || Number.isNaN(value)) return String(value);
  return value > 0 ? '+Inf' : '-Inf';
}

const exemplarText = ({ labels, value, wallMs }: Exemplar): string =>
  ` # ${labelsText(labels) || '{}'} ${numberText(value)} ${wallMs / 1000}`;
