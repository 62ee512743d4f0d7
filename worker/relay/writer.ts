import { breathe } from '../breathe.js';
import { PIECE_BYTES, type Piece } from '../http/pieces.js';
import { type ForeignFamily, NEWLINE } from './families.js';
import type { Labeller } from './sample.js';

function headOf({ name, help, type }: ForeignFamily): string {
  return `${help === undefined ? '' : `${help}\n`}${type === undefined ? '' : `# TYPE ${name} ${type}\n`}`;
}

/** In bytes, the line between it and the next included. */
export function sizeOf(family: ForeignFamily): number {
  const { runs } = family;
  let size = Buffer.byteLength(headOf(family)) + 1;
  for (let run = 0; run < runs.length; run += 2)
    size += (runs[run + 1] as number) - (runs[run] as number) + 1;
  return size;
}

export interface Writer {
  family(family: ForeignFamily, bytes: Buffer): Promise<void>;
  pieces(): Piece[];
}

/** Puts families together, an empty line between them. */
export function createWriter(labeller: Labeller | undefined): Writer {
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
