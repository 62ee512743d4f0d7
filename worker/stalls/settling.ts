import type { FinishedStall } from './detect.js';
import type { OpenStall } from './open-stall.js';

/** Main hears of its garbage collections a turn or two after the stall; this long they are waited for. */
const SETTLE_TURNS = 3;
const SETTLE_MS = 250;
/** A capture may come in when the stall is over. */
const SETTLE_CAPTURE_MS = 1500;

/** Stalls that are over, until nothing more can come in about them. */
export interface Settling {
  add(stall: FinishedStall, open: OpenStall | undefined): void;
  /** Concludes those that need wait no longer, oldest first. */
  settle(nowMs: number, turns: number): void;
  /** Concludes all. */
  settleAll(): void;
}

export function createSettling(
  conclude: (stall: FinishedStall, open: OpenStall | undefined) => void,
): Settling {
  const waiting: { readonly stall: FinishedStall; readonly open: OpenStall | undefined }[] = [];

  function isSettled({ stall, open }: (typeof waiting)[number], nowMs: number, turns: number): boolean {
    const sinceMs = nowMs - (stall.startMs + stall.durationMs);
    const heard = turns - stall.turn >= SETTLE_TURNS || sinceMs >= SETTLE_MS;
    const capturing = open?.captures.following !== undefined && sinceMs < SETTLE_CAPTURE_MS;
    return heard && !capturing;
  }

  return {
    add: (stall, open) => void waiting.push({ stall, open }),
    settle(nowMs, turns) {
      for (let next = waiting[0]; next && isSettled(next, nowMs, turns); next = waiting[0]) {
        waiting.shift();
        conclude(next.stall, next.open);
      }
    },
    settleAll() {
      for (const { stall, open } of waiting.splice(0)) conclude(stall, open);
    },
  };
}
