import { LEDGER } from './shared/layout.js';
import { openView } from './shared/regions.js';
import type { Pressure } from './types.js';

/** Pools and utilization are read anew at most this often. */
const REFRESH_MS = 50;
/** Utilization is that of the last second or so. */
const WINDOW_MS = 1000;

export const NO_PRESSURE: Pressure = Object.freeze({
  lagMs: 0,
  utilization: 0,
  pools: Object.freeze({}),
  threadpoolDelayMs: 0,
});

export interface PressureSources {
  readonly now: () => number;
  /** How long the loop was held at most in a turn of the last second, the one in progress included. */
  readonly worstMs: (nowMs: number) => number;
  /** For how long the loop has been held in all, the turn in progress included. */
  readonly activeMs: (nowMs: number) => number;
  readonly pools: () => Pressure['pools'];
  /** The sidecar's counters. */
  readonly ledger: SharedArrayBuffer;
}

/** How hard it goes for the main thread, cheap enough to be asked at each request. */
export interface PressureGauge {
  read(): Pressure;
  /** To be called about ten times a second, so that there is something to compare with. */
  note(nowMs: number): void;
}

export function createPressureGauge(sources: PressureSources): PressureGauge {
  const { at, values } = openView(LEDGER, sources.ledger);
  const past: { readonly atMs: number; readonly activeMs: number }[] = [];
  let asked = false;
  let refreshedMs = Number.NEGATIVE_INFINITY;
  let utilization = 0;
  let pools = NO_PRESSURE.pools;

  function note(nowMs: number): void {
    past.push({ atMs: nowMs, activeMs: sources.activeMs(nowMs) });
    // The youngest that is older than the window stays.
    while (past.length > 1 && nowMs - (past[1]?.atMs ?? 0) >= WINDOW_MS) past.shift();
  }

  function refresh(nowMs: number): void {
    refreshedMs = nowMs;
    note(nowMs);
    pools = sources.pools();
    const [oldest] = past;
    const spanMs = nowMs - (oldest?.atMs ?? nowMs);
    const activeMs = sources.activeMs(nowMs) - (oldest?.activeMs ?? 0);
    if (spanMs > 0) utilization = Math.max(0, Math.min(1, activeMs / spanMs));
  }

  function threadpoolDelayMs(nowMs: number): number {
    const sentMs = values[at.probeSentMs] as number;
    const lastMs = values[at.probeLastMs] as number;
    return sentMs > 0 ? Math.max(lastMs, nowMs - sentMs) : lastMs;
  }

  return {
    read() {
      asked = true;
      const nowMs = sources.now();
      if (nowMs - refreshedMs >= REFRESH_MS) refresh(nowMs);
      return {
        lagMs: sources.worstMs(nowMs),
        utilization,
        pools,
        threadpoolDelayMs: threadpoolDelayMs(nowMs),
      };
    },
    note(nowMs) {
      // Who never asks pays nothing.
      if (asked) note(nowMs);
    },
  };
}
