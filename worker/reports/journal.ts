import type { Offender, Stall } from '../../src/shared/stall.js';

const STALLS_MAX = 100;
const OFFENDERS_MAX = 100;

/** The latest stalls, and who caused most of them. */
export interface Journal {
  /** @param profile its samples, as the text of a `.cpuprofile` */
  add(stall: Stall, profile?: Buffer): void;
  /** Newest first. */
  stalls(): readonly Stall[];
  find(id: string): Stall | undefined;
  /** What was sampled in a stall, if anything was. */
  profileOf(id: string): Buffer | undefined;
  /** By total time, worst first; at most a hundred. Who caused more than a hundredth of it is among them. */
  offenders(): readonly Offender[];
}

export function createJournal(): Journal {
  const stalls: Stall[] = [];
  const profiles = new WeakMap<Stall, Buffer>();
  const find = (id: string): Stall | undefined => stalls.find((stall) => stall.id === id);
  const offenders = new Map<string, Offender>();

  /**
   * The Space-Saving algorithm (Metwally, Agrawal, El Abbadi, "Efficient Computation of Frequent and Top-k
   * Elements in Data Streams", ICDT 2005), by seconds: who comes new takes the place of the least, and its
   * seconds along, as what may be too much. So the seconds of the list add up to all there were, the least
   * has at most a hundredth of them, and nobody with more than the least can be missing. Were the newcomer
   * thrown out instead, one that comes often might never get in.
   */
  function blame(stall: Stall): void {
    const known = offenders.get(stall.fingerprint);
    const overSeconds = known?.overSeconds ?? (offenders.size < OFFENDERS_MAX ? 0 : takeLeast());
    offenders.set(stall.fingerprint, {
      fingerprint: stall.fingerprint,
      cause: stall.cause,
      where: known?.where ?? whereOf(stall),
      count: (known?.count ?? 0) + 1,
      totalSeconds: (known?.totalSeconds ?? overSeconds) + stall.durationMs / 1000,
      overSeconds,
    });
  }

  function takeLeast(): number {
    const least = [...offenders.values()].reduce((a, b) => (b.totalSeconds < a.totalSeconds ? b : a));
    offenders.delete(least.fingerprint);
    return least.totalSeconds;
  }

  return {
    add(stall, profile) {
      if (profile) profiles.set(stall, profile);
      stalls.unshift(stall);
      if (stalls.length > STALLS_MAX) stalls.pop();
      blame(stall);
    },
    stalls: () => stalls,
    find,
    profileOf(id) {
      const stall = find(id);
      return stall && profiles.get(stall);
    },
    offenders: () => [...offenders.values()].sort((a, b) => b.totalSeconds - a.totalSeconds),
  };
}

/** Lines longer than this are a bundler's: their number says little. */
const LINE_MAX_CHARS = 100;

/** The place to blame, for people. */
export function whereOf({ culprit }: Pick<Stall, 'culprit'>): string | undefined {
  if (!culprit) return undefined;
  const { function: name, file, line, column, code = '' } = culprit;
  const long = column > LINE_MAX_CHARS || code.length > LINE_MAX_CHARS;
  return `${name} ${file}:${line}${long ? `:${column}` : ''}`;
}
