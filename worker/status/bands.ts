import type { Stall } from '../../src/shared/stall.js';
import type { StallBand } from '../../src/shared/status.js';

export type FinishedBand = StallBand & { readonly toMs: number };

const KEPT_MS = 15 * 60_000;
/** A stall that is over is told of once nothing more can come in about it: within this time. */
const SETTLES_MS = 3000;

const BANDS_MAX = 100;

/** Main's stalls as bands over the charts. */
export interface Bands {
  /** @param live the stall under way */
  note(nowMs: number, live: Stall | undefined): void;
  /** @param stalls those told of, newest first */
  all(nowMs: number, wallMs: number, stalls: readonly Stall[]): StallBand[];
}

/** @param earlier those that sidecars before this one have told, oldest first */
export function createBands(earlier: readonly FinishedBand[] = []): Bands {
  /** The latest that was under way, and when it was seen last. */
  let latest: { readonly stall: Stall; readonly seenMs: number; readonly isOver: boolean } | undefined;

  return {
    note(nowMs, live) {
      if (live) latest = { stall: live, seenMs: nowMs, isOver: false };
      else if (latest) latest = { ...latest, isOver: true };
    },
    all(nowMs, wallMs, stalls) {
      const own = stalls
        .filter(({ thread }) => thread === 'main')
        .map(bandOf)
        .reverse();
      const bands = [...earlier, ...own].filter(({ toMs }) => toMs >= wallMs - KEPT_MS).slice(-BANDS_MAX);
      if (!latest || stalls.some(({ id }) => id === latest?.stall.id)) return bands;
      const { toMs, ...open } = bandOf(latest.stall);
      if (!latest.isOver) return [...bands, open];
      return nowMs - latest.seenMs < SETTLES_MS ? [...bands, { ...open, toMs }] : bands;
    },
  };
}

function bandOf({ id, cause, startedAt, durationMs }: Stall): FinishedBand {
  const fromMs = Date.parse(startedAt);
  return { id, cause, fromMs, toMs: Math.round(fromMs + durationMs) };
}
