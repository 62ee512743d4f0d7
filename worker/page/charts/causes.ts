import type { Cause } from '../../../src/shared/labels.js';

export type { Cause };

/** What a cause looks like besides its colour: paths in SVG's words, a mark of 10 by 10 and a tile of 8 by 8. */
export const CAUSES: Readonly<Record<Cause, { readonly mark: string; readonly pattern: string }>> = {
  // A triangle, and rising lines.
  cpu: { mark: 'M0 1h10L5 9.5z', pattern: 'M-2 2 2-2M-1 9 9-1M6 10 10 6' },
  // A disc, and dots.
  gc: { mark: 'M5 0a5 5 0 1 0 .01 0z', pattern: 'M1 2h2M5 6h2' },
  // A square, and level lines.
  blocked: { mark: 'M.5.5h9v9h-9z', pattern: 'M0 2h8M0 6h8' },
  // A diamond, and falling lines.
  starved: { mark: 'M5 0l5 5-5 5-5-5z', pattern: 'M-2 6 2 10M-1-1 9 9M6-2 10 2' },
  // Two bars, and upright lines.
  suspended: { mark: 'M.5.5h3.5v9h-3.5zM6 .5h3.5v9H6z', pattern: 'M2 0v8M6 0v8' },
  // A cross, and crosses.
  unknown: { mark: 'M3.5 0h3v3.5H10v3H6.5V10h-3V6.5H0v-3h3.5z', pattern: 'M4 2v4M2 4h4' },
};
