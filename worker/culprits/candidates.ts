import { type CulpritRows, faded } from './rows.js';

const CANDIDATES_MAX = 100;

/** Who is charged: a label of a loop's, and the file that it stands for. */
export interface Culprit {
  readonly rows: CulpritRows;
  readonly label: string;
  readonly file: string | undefined;
}

/** Culprits without a series, and how bad they are. */
export interface Candidates {
  find(culprit: Pick<Culprit, 'rows' | 'label'>): Culprit | undefined;
  add(culprit: Culprit, weightMs: number, nowMs: number): void;
  /** The weight that it has at least. */
  weightMs(culprit: Culprit, nowMs: number): number;
  remove(culprit: Culprit): void;
  /** All of a loop. */
  removeAll(rows: CulpritRows): void;
}

interface Candidate extends Culprit {
  weightMs: number;
  /** How much of the weight may be others', whose place it took. */
  overMs: number;
  /** As of when. */
  atMs: number;
}

/** By the Space-Saving algorithm, as in `reports/journal.ts`, but that weights fade. */
export function createCandidates(): Candidates {
  let all: Candidate[] = [];
  const find = ({ rows, label }: Pick<Culprit, 'rows' | 'label'>): Candidate | undefined =>
    all.find((one) => one.rows === rows && one.label === label);

  /** Who comes new when all places are taken gets the least's, and its weight along. */
  function enter(culprit: Culprit, nowMs: number): Candidate {
    const overMs = all.length < CANDIDATES_MAX ? 0 : takeLeast(nowMs);
    const one = { ...culprit, weightMs: overMs, overMs, atMs: nowMs };
    all.push(one);
    return one;
  }

  function takeLeast(nowMs: number): number {
    const weightOf = (one: Candidate): number => faded(one.weightMs, one.atMs, nowMs);
    const least = all.reduce((a, b) => (weightOf(b) < weightOf(a) ? b : a));
    all = all.filter((one) => one !== least);
    return weightOf(least);
  }

  return {
    find,
    add(culprit, weightMs, nowMs) {
      const one = find(culprit) ?? enter(culprit, nowMs);
      one.weightMs = faded(one.weightMs, one.atMs, nowMs) + weightMs;
      one.overMs = faded(one.overMs, one.atMs, nowMs);
      one.atMs = nowMs;
    },
    weightMs(culprit, nowMs) {
      const one = find(culprit);
      return one ? faded(one.weightMs - one.overMs, one.atMs, nowMs) : 0;
    },
    remove(culprit) {
      const one = find(culprit);
      all = all.filter((other) => other !== one);
    },
    removeAll(rows) {
      all = all.filter((one) => one.rows !== rows);
    },
  };
}
