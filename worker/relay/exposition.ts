import type { DropReason } from '../../src/shared/labels.js';
import { RELAY_MAX_MIB } from '../../src/shared/protocol.js';
import { breathe } from '../breathe.js';
import type { Piece } from '../http/pieces.js';
import { createReader, type ForeignFamily, NEWLINE, type Reader } from './families.js';
import { createLabeller } from './sample.js';
import { createWriter, sizeOf } from './writer.js';

/** Read in one go, in bytes: some milliseconds. */
const SLICE_BYTES = 256 * 1024;

/** What becomes of a foreign text. */
export interface CleanOptions {
  /** Whether it is OpenMetrics. */
  readonly openMetrics: boolean;
  /** Whether ours are served by the names of prom-client's defaults. */
  readonly processMetrics?: boolean;
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
  {
    openMetrics,
    processMetrics = true,
    labels = {},
    maxBytes = RELAY_MAX_MIB * 2 ** 20,
    onDrop,
  }: CleanOptions,
): Promise<Piece[]> {
  const bytes = Buffer.from(text.buffer, text.byteOffset, text.byteLength);
  const families = await readFamilies(bytes, createReader(bytes, openMetrics, processMetrics));
  const labeller = createLabeller(labels);
  const writer = createWriter(labeller);
  let room = maxBytes;
  for (const family of families) {
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

async function readFamilies(bytes: Buffer, reader: Reader): Promise<Iterable<ForeignFamily>> {
  for (let at = 0, breatheAt = SLICE_BYTES; at < bytes.length; ) {
    const newline = bytes.indexOf(NEWLINE, at);
    const end = newline < 0 ? bytes.length : newline;
    if (end > at) reader.line(at, end);
    at = end + 1;
    if (at < breatheAt) continue;
    await breathe();
    breatheAt = at + SLICE_BYTES;
  }
  return reader.families();
}
