import { breathe } from '../breathe.js';
import { PIECE_BYTES, type Piece } from '../http/pieces.js';
import { type ForeignFamily, NEWLINE } from './families.js';

/** Writes families one behind the other. */
export interface FamilyWriter {
  family(family: ForeignFamily, bytes: Buffer): Promise<void>;
  pieces(): Piece[];
}

/** Where bytes are put together to pieces. */
export interface Sink {
  write(from: Uint8Array): Promise<void>;
  isEmpty(): boolean;
  pieces(): Piece[];
}

export function openSink(): Sink {
  const pieces: Piece[] = [];
  let open = Buffer.allocUnsafeSlow(PIECE_BYTES);
  let used = 0;
  return {
    async write(from) {
      for (let at = 0; at < from.length; ) {
        if (used === open.length) {
          pieces.push({ plain: open });
          open = Buffer.allocUnsafeSlow(PIECE_BYTES);
          used = 0;
          await breathe();
        }
        const part = from.subarray(at, at + open.length - used);
        open.set(part, used);
        used += part.length;
        at += part.length;
      }
    },
    isEmpty: () => used === 0 && pieces.length === 0,
    pieces: () => (used > 0 ? [...pieces, { plain: Buffer.from(open.subarray(0, used)) }] : pieces),
  };
}

/** Parts of a run of lines, whole ones, without the last line's end. */
export function* partsOfRun(run: Buffer): Generator<Buffer> {
  for (let at = 0; at < run.length; ) {
    const newline = run.indexOf(NEWLINE, at + PIECE_BYTES);
    const end = newline < 0 ? run.length : newline;
    yield run.subarray(at, end);
    at = end + 1;
  }
}

/** Its runs of lines. */
export function* runsOf({ runs }: ForeignFamily, bytes: Buffer): Generator<Buffer> {
  for (let run = 0; run < runs.length; run += 2) yield bytes.subarray(runs[run], runs[run + 1]);
}

/** Its lines, as many at once as are read in one go. */
export function* linesOf(family: ForeignFamily, bytes: Buffer): Generator<string[]> {
  for (const run of runsOf(family, bytes))
    for (const part of partsOfRun(run)) yield part.toString('latin1').split('\n');
}
