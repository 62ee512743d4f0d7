import type { ForeignFamily } from './families.js';
import type { Labeller } from './sample.js';
import { type FamilyWriter, openSink, partsOfRun, runsOf } from './sink.js';

function headOf({ name, help, type }: ForeignFamily): string {
  const helpLine = help === undefined ? '' : `${`# HELP ${name} ${help}`.trimEnd()}\n`;
  return `${helpLine}${type === undefined ? '' : `# TYPE ${name} ${type}\n`}`;
}

/** In bytes, the line between it and the next included. */
export function sizeOf(family: ForeignFamily): number {
  const { runs } = family;
  let size = Buffer.byteLength(headOf(family)) + 1;
  for (let run = 0; run < runs.length; run += 2)
    size += (runs[run + 1] as number) - (runs[run] as number) + 1;
  return size;
}

/** The text format 0.0.4, an empty line between the families. */
export function createTextWriter(labeller: Labeller | undefined): FamilyWriter {
  const sink = openSink();
  const labelled = (lines: Buffer): Buffer =>
    labeller
      ? Buffer.from(lines.toString('latin1').split('\n').map(labeller.label).join('\n'), 'latin1')
      : lines;
  return {
    async family(family, bytes) {
      await sink.write(Buffer.from((sink.isEmpty() ? '' : '\n') + headOf(family)));
      for (const run of runsOf(family, bytes)) {
        for (const part of labeller ? partsOfRun(run) : [run]) {
          await sink.write(labelled(part));
          await sink.write(LINE_END);
        }
      }
    },
    pieces: sink.pieces,
  };
}

const LINE_END = Buffer.from('\n');
