import { createHash } from 'node:crypto';
import type { Stall } from '../../src/shared/protocol.js';

const STALLS_MAX = 100;
const OFFENDERS_MAX = 100;

/** Stalls of one fingerprint. */
export interface Offender {
  readonly fingerprint: string;
  readonly cause: string;
  /** `function file:line` of the culprit, where one is known. */
  readonly where: string | undefined;
  readonly count: number;
  readonly totalSeconds: number;
}

/** The latest stalls, and who caused most of them. */
export interface Journal {
  add(stall: Stall): void;
  /** Newest first. */
  stalls(): readonly Stall[];
  find(id: string): Stall | undefined;
  /** By total time, worst first. */
  offenders(): readonly Offender[];
}

export function createJournal(): Journal {
  const stalls: Stall[] = [];
  const offenders = new Map<string, Offender>();

  function blame(stall: Stall): void {
    const known = offenders.get(stall.fingerprint);
    offenders.set(stall.fingerprint, {
      fingerprint: stall.fingerprint,
      cause: stall.cause,
      where: known?.where ?? whereOf(stall),
      count: (known?.count ?? 0) + 1,
      totalSeconds: (known?.totalSeconds ?? 0) + stall.durationMs / 1000,
    });
    if (offenders.size <= OFFENDERS_MAX) return;
    const least = [...offenders.values()].reduce((a, b) => (b.totalSeconds < a.totalSeconds ? b : a));
    offenders.delete(least.fingerprint);
  }

  return {
    add(stall) {
      stalls.unshift(stall);
      if (stalls.length > STALLS_MAX) stalls.pop();
      blame(stall);
    },
    stalls: () => stalls,
    find: (id) => stalls.find((stall) => stall.id === id),
    offenders: () => [...offenders.values()].sort((a, b) => b.totalSeconds - a.totalSeconds),
  };
}

/** The place to blame, for people. */
export function whereOf({ culprit }: Pick<Stall, 'culprit'>): string | undefined {
  return culprit && `${culprit.function} ${culprit.file}:${culprit.line}`;
}

/** Frames of the app's own code that make up a fingerprint. */
const FINGERPRINT_FRAMES = 3;

/** Same for stalls of one thread and cause whose innermost own functions are the same, wherever in them the time was spent. */
export function fingerprintOf({ thread, cause, stacks }: Pick<Stall, 'thread' | 'cause' | 'stacks'>): string {
  const frames = stacks.find((sample) => sample.frames.length > 0)?.frames ?? [];
  const own = frames.filter((frame) => !frame.internal).slice(0, FINGERPRINT_FRAMES);
  const places = own.map((frame) => `${frame.function} ${frame.file}`);
  return createHash('sha1')
    .update([thread, cause, ...places].join('\n'))
    .digest('hex')
    .slice(0, 12);
}
