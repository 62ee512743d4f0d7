import type { DropReason } from '../../src/shared/labels.js';
import { RELAY_MAX_MIB } from '../../src/shared/protocol.js';
import { breathe } from '../breathe.js';
import type { Piece } from '../http/pieces.js';
import type { Format } from '../metrics/format.js';
import { createReader, type ForeignFamily, NEWLINE, type Reader } from './families.js';
import { createOpenMetricsWriter } from './openmetrics-writer.js';
import { createProtobufWriter } from './protobuf-writer.js';
import { createLabeller, escapedLabels } from './sample.js';
import type { FamilyWriter } from './sink.js';
import { createTextWriter, sizeOf } from './text-writer.js';

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
  /** What is left of it takes no more as text, these labels included. */
  readonly maxBytes?: number;
  readonly onDrop: (reason: DropReason) => void;
}

/** Families of a foreign exposition. */
export interface Exposition {
  /** Made when first asked for. */
  pieces(format: Format): Promise<readonly Piece[]>;
}

/**
 * The families of a foreign exposition that can stand beside ours: none that we have too, none with a line
 * that would make Prometheus, or the parser of its tools, refuse the whole scrape.
 * @param text UTF-8; its lines are put right in place, so it is of no other use afterwards
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
): Promise<Exposition> {
  const bytes = Buffer.from(text.buffer, text.byteOffset, text.byteLength);
  const labeller = createLabeller(labels);
  const kept: ForeignFamily[] = [];
  let room = maxBytes;
  for (const family of await readFamilies(bytes, createReader(bytes, openMetrics, processMetrics))) {
    if (!family.drop && family.runs.length === 0) continue;
    const size = sizeOf(family) + family.lines * (labeller?.bytes ?? 0);
    if (!family.drop && size > room) family.drop = 'too_large';
    if (family.drop) onDrop(family.drop);
    else {
      room -= size;
      kept.push(family);
    }
  }

  function createWriter(format: Format): FamilyWriter {
    if (format === 'text') return createTextWriter(labeller);
    const statics = escapedLabels(labels);
    if (format === 'protobuf') return createProtobufWriter(statics);
    return createOpenMetricsWriter(statics, kept);
  }

  async function write(format: Format): Promise<readonly Piece[]> {
    const writer = createWriter(format);
    for (const family of kept) await writer.family(family, bytes);
    return writer.pieces();
  }

  const made: { [F in Format]?: Promise<readonly Piece[]> } = {};
  return {
    pieces(format) {
      made[format] ??= write(format);
      return made[format];
    },
  };
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
