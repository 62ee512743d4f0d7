import { BinaryWriter } from '@bufbuild/protobuf/wire';
import { breathe } from '../breathe.js';
import { type EncodedExemplar, encodeLabels, writeFamilyHead, writeMetric } from '../metrics/client-model.js';
import { withStatics } from './openmetrics-writer.js';
import { createPointReader, type ForeignSample } from './points.js';
import { asNumber, type ExemplarParts, type Label, partsOf } from './sample.js';
import { type FamilyWriter, linesOf, openSink } from './sink.js';

/**
 * Prometheus' protobuf. All series keep their names, labels and values: what does not make up a whole histogram
 * or summary is served as untyped, each sample by its own name.
 * @param statics put on each series that has no label of that name
 */
export function createProtobufWriter(statics: readonly Label[]): FamilyWriter {
  const sink = openSink();
  return {
    async family(family, bytes) {
      const { name, help = '', type } = family;
      const head = new BinaryWriter();
      writeFamilyHead(head, { name, help: unescaped(help), type: type ?? 'untyped' });
      const parts = [head.finish()];
      const looseParts: Uint8Array[] = [];
      const whole = new BinaryWriter();
      const loose = new BinaryWriter();
      const points = createPointReader(
        family,
        (point) => writeMetric(whole, point),
        (sample) => writeLoose(loose, sample),
      );
      let number = 0;
      for (const lines of linesOf(family, bytes)) {
        for (const line of lines) points.sample(sampleOf(line, statics, family.exemplars.get(number++)));
        parts.push(whole.finish());
        looseParts.push(loose.finish());
        await breathe();
      }
      points.end();
      parts.push(whole.finish());
      looseParts.push(loose.finish());
      for (const one of [...delimited(parts), ...looseParts]) await sink.write(one);
    },
    pieces: sink.pieces,
  };
}

/** Parts of one message: put together they are a message, too. Nothing, if there is nothing but its head. */
function delimited(parts: readonly Uint8Array[]): readonly Uint8Array[] {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  return length === parts[0]?.length ? [] : [new BinaryWriter().uint32(length).finish(), ...parts];
}

function writeLoose(writer: BinaryWriter, { name, labels, value }: ForeignSample): void {
  writer.fork();
  writeFamilyHead(writer, { name, help: '', type: 'untyped' });
  writeMetric(writer, { type: 'untyped', labels: encodeLabels(labels), value });
  writer.join();
}

function sampleOf(
  line: string,
  statics: readonly Label[],
  exemplar: ExemplarParts | undefined,
): ForeignSample {
  const { name, labels, value } = partsOf(line);
  return {
    name,
    labels: decoded(withStatics(labels, statics)),
    value: asNumber(value),
    exemplar: exemplar && encodedExemplar(exemplar),
  };
}

function encodedExemplar({ labels, value, timestamp }: ExemplarParts): EncodedExemplar {
  const wallMs = timestamp === undefined ? undefined : asNumber(timestamp) * 1000;
  return {
    labels: encodeLabels(decoded(labels)),
    value: asNumber(value),
    wallMs: Number.isSafeInteger(Math.round(wallMs ?? Number.NaN)) ? wallMs : undefined,
  };
}

const decoded = (labels: readonly Label[]): Label[] =>
  labels.map(([name, value]) => [name, unescaped(Buffer.from(value, 'latin1').toString())]);

const unescaped = (text: string): string =>
  text.replace(/\\(.)/g, (_, found: string) => (found === 'n' ? '\n' : found));
