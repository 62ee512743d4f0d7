import { performance } from 'node:perf_hooks';
import { transfer } from 'comlink';
import { type Host, RELAY_MAX_MIB, type RelayAnswer } from '../shared/protocol.js';
import type { MetricsRegistry } from '../types.js';
import { reasonOf, warn } from '../warn.js';

const MAX_BYTES = RELAY_MAX_MIB * 2 ** 20;
/** UTF-8 takes at most so many for one of a string's characters. */
const BYTES_PER_CHARACTER = 3;

const encoder = new TextEncoder();

/** Gives the app's own registry to the sidecar, at scrape time. */
export function createRelay(registry: MetricsRegistry | undefined): Host['relay'] {
  let warned = false;

  async function read(): Promise<Omit<Extract<RelayAnswer, { text: unknown }>, 'costMs'>> {
    const whole = await registry?.metrics();
    if (typeof whole !== 'string') throw new TypeError('the registry gave no text');
    // Here, before it is copied: memory that the process does not have would take it along.
    const { text, leftOut } = fitting(whole);
    if (leftOut > 0 && !warned) {
      warned = true;
      warn(
        `The text of the registry is over the ${RELAY_MAX_MIB} MiB that are relayed: families that do not fit (${leftOut} of them now) ` +
          'are left out, and counted in watchdog_relay_dropped_families_total{reason="too_large"}.',
        'WATCHDOG_RELAY_TOO_LARGE',
      );
    }
    return { text: encoder.encode(text), contentType: String(registry?.contentType ?? ''), leftOut };
  }

  return async () => {
    const before = performance.eventLoopUtilization();
    const costMs = (): number => performance.eventLoopUtilization(before).active;
    try {
      const { text, contentType, leftOut } = await read();
      return transfer({ text, contentType, leftOut, costMs: costMs() }, [text.buffer]);
    } catch (error) {
      return { fault: reasonOf(error), costMs: costMs() };
    }
  };
}

/** Whole families of an exposition, in order, as many as fit, and how many do not. */
export function fitting(
  text: string,
  maxBytes: number = MAX_BYTES,
): { readonly text: string; readonly leftOut: number } {
  if (text.length * BYTES_PER_CHARACTER <= maxBytes || Buffer.byteLength(text) <= maxBytes)
    return { text, leftOut: 0 };
  const kept: string[] = [];
  let leftOut = 0;
  let room = maxBytes;
  for (const family of familiesOf(text)) {
    const bytes = Buffer.byteLength(family);
    if (bytes > room) leftOut++;
    else {
      kept.push(family);
      room -= bytes;
    }
  }
  return { text: kept.join(''), leftOut };
}

/** A family begins with its comments. */
function* familiesOf(text: string): Generator<string> {
  let start = 0;
  /** Where the line after the last comment begins. */
  let after = text.startsWith('#') ? endOfLine(text, 0) : 0;
  for (;;) {
    const comment = text.indexOf('\n#', Math.max(0, after - 1)) + 1;
    if (comment === 0) break;
    if (comment !== after) {
      yield text.slice(start, comment);
      start = comment;
    }
    after = endOfLine(text, comment);
  }
  yield text.slice(start);
}

function endOfLine(text: string, from: number): number {
  const newline = text.indexOf('\n', from);
  return newline < 0 ? text.length : newline + 1;
}
