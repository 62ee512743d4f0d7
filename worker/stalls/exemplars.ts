import { STALL_BOUNDS_MS } from '../../src/shared/layout.js';
import type { Stall } from '../../src/shared/stall.js';
import type { Exemplar } from '../metrics/family.js';
import { EXEMPLAR_MAX_CHARS } from '../metrics/openmetrics.js';

/** A stall of which it may be known what request it served. */
type Traced = Stall & { readonly requests?: readonly { readonly traceId?: string | undefined }[] };

/** The latest stall in each bucket of the duration histogram, so that a bar leads to what is in it. */
export interface StallExemplars {
  note(stall: Traced): void;
  /** Per bucket, the last for what is above all bounds. */
  all(): readonly (Exemplar | undefined)[];
}

export function createStallExemplars(): StallExemplars {
  const latest: (Exemplar | undefined)[] = new Array(STALL_BOUNDS_MS.length + 1).fill(undefined);
  return {
    note(stall) {
      const { durationMs, startedAt } = stall;
      const bucket = STALL_BOUNDS_MS.findIndex((bound) => durationMs <= bound);
      latest[bucket < 0 ? STALL_BOUNDS_MS.length : bucket] = {
        labels: labelsOf(stall),
        value: durationMs / 1000,
        wallMs: Math.round(Date.parse(startedAt) + durationMs),
      };
    },
    all: () => latest,
  };
}

/** Scrapers refuse longer ones: what leads to the trace goes before the stall's own number. */
function labelsOf({ id, requests }: Traced): Record<string, string> {
  const traceId = requests?.[0]?.traceId;
  const labels: Record<string, string> = {};
  let room = EXEMPLAR_MAX_CHARS;
  for (const [name, value] of [
    ['trace_id', traceId],
    ['stall_id', id],
  ] as const) {
    if (value === undefined || name.length + value.length > room) continue;
    labels[name] = value;
    room -= name.length + value.length;
  }
  return labels;
}
