import { CULPRIT_LABEL_NUMBERS, CULPRITS_MAX } from '../../src/shared/layout.js';
import type { LoopLedger } from '../counters.js';

/**
 * A series is 0 for so long, and what it says last stays for as long: who scrapes once a minute, which is
 * Prometheus' default, or more often sees both, and `increase()` misses nothing. It counts from the first
 * sample that it finds: of a culprit that stalled once it would tell nothing.
 */
const SHOWN_MS = 90_000;
/** Weights are halved in this time. */
const HALF_LIFE_MS = 86_400_000;

/** A culprit that has a series. */
export interface CulpritRow {
  readonly label: string;
  /** The file that the label stands for; `undefined` if an earlier sidecar gave it and none has come since. */
  file: string | undefined;
  /** What its series says. Never goes back. */
  valueMs(nowMs: number): number;
  /** How much of late: what it was charged, halved each day. */
  weightMs(nowMs: number): number;
  /** Whether all that it was charged has been there to be scraped for long enough. */
  isShown(nowMs: number): boolean;
  charge(ms: number, nowMs: number): void;
  /** Ends the series. */
  free(): void;
}

/** The rows of one loop. */
export interface CulpritRows {
  /** Those in use. */
  all(): readonly CulpritRow[];
  /** Begins a series. */
  take(culprit: Pick<CulpritRow, 'label' | 'file'>, weightMs: number, nowMs: number): CulpritRow;
  /** What all series of the loop were ever charged, also those that have ended. */
  chargedMs(): number;
}

/** What is left of a weight after a while. */
export function faded(weightMs: number, fromMs: number, nowMs: number): number {
  return weightMs * 2 ** ((fromMs - nowMs) / HALF_LIFE_MS);
}

/** Goes on with what an earlier sidecar has left. */
export function openCulpritRows(ledger: LoopLedger): CulpritRows {
  const used = new Map<number, CulpritRow>();
  const open = (index: number, file: string | undefined): CulpritRow => {
    const row = openRow(ledger, index, file, () => used.delete(index));
    used.set(index, row);
    return row;
  };
  for (let index = 0; index < CULPRITS_MAX; index++)
    if (ledger.get('culpritSinceMs', index) > 0) open(index, undefined);
  return {
    all: () => [...used.values()],
    take({ label, file }, weightMs, nowMs) {
      let index = 0;
      while (used.has(index)) index++;
      // The sidecar may die between any two of these: the row is no one's until the last.
      writeLabel(ledger, index, label);
      ledger.set('culpritBaseMs', ledger.get('culpritMs', index), index);
      ledger.set('culpritGrewAtMs', nowMs, index);
      ledger.set('culpritWeightMs', weightMs, index);
      ledger.set('culpritSinceMs', nowMs, index);
      return open(index, file);
    },
    chargedMs() {
      let sum = 0;
      for (let index = 0; index < CULPRITS_MAX; index++) sum += ledger.get('culpritMs', index);
      return sum;
    },
  };
}

function openRow(
  ledger: LoopLedger,
  index: number,
  file: string | undefined,
  onFree: () => void,
): CulpritRow {
  const beginMs = ledger.get('culpritSinceMs', index) + SHOWN_MS;
  const baseMs = ledger.get('culpritBaseMs', index);
  const grewAtMs = (): number => ledger.get('culpritGrewAtMs', index);
  const weightMs = (nowMs: number): number => faded(ledger.get('culpritWeightMs', index), grewAtMs(), nowMs);
  return {
    label: readLabel(ledger, index),
    file,
    valueMs: (nowMs) => (nowMs < beginMs ? 0 : ledger.get('culpritMs', index) - baseMs),
    weightMs,
    isShown: (nowMs) => nowMs >= Math.max(beginMs, grewAtMs()) + SHOWN_MS,
    charge(ms, nowMs) {
      const weight = weightMs(nowMs) + ms;
      ledger.set('culpritGrewAtMs', nowMs, index);
      ledger.set('culpritWeightMs', weight, index);
      // One write: a sidecar that dies here has charged it or has not, never half and never twice.
      ledger.add('culpritMs', ms, index);
    },
    free() {
      ledger.set('culpritSinceMs', 0, index);
      onFree();
    },
  };
}

const CHARS_A_NUMBER = 3;

function writeLabel(ledger: LoopLedger, index: number, label: string): void {
  for (let i = 0; i < CULPRIT_LABEL_NUMBERS; i++) {
    let number = 0;
    // 16 bits a character: three fit into a number's 53.
    for (let j = CHARS_A_NUMBER - 1; j >= 0; j--)
      number = number * 0x1_0000 + (label.charCodeAt(i * CHARS_A_NUMBER + j) || 0);
    ledger.set('culpritLabels', number, index * CULPRIT_LABEL_NUMBERS + i);
  }
}

function readLabel(ledger: LoopLedger, index: number): string {
  let label = '';
  for (let i = 0; i < CULPRIT_LABEL_NUMBERS; i++) {
    let number = ledger.get('culpritLabels', index * CULPRIT_LABEL_NUMBERS + i);
    for (; number > 0; number = Math.floor(number / 0x1_0000))
      label += String.fromCharCode(number % 0x1_0000);
  }
  return label;
}
