import type { Stall } from '../../../src/shared/stall.js';
import type { Status } from '../../../src/shared/status.js';

/** A stall as the page lists it. */
export interface Listed {
  readonly stall: Stall;
  /** Under way. */
  readonly live: boolean;
  /** All is told that is known of it, and its profile can be asked for: it is over, and so are its accounts. */
  readonly complete: boolean;
}

/** As the sidecar keeps them. */
const STALLS_MAX = 100;
/** A stall that is over is told a moment later, when its accounts are complete; or never, if it was none. */
const ENDING_UPDATES = 10;

/** Which stalls there are to see, newest first, by what the sidecar has told so far. */
export interface Listing {
  /** Takes in what is under way. */
  observe(loops: Status['loops']): void;
  /**
   * Takes in those that are over, newest first. What a sidecar has told stays when another has taken its place,
   * which knows of none of them.
   */
  take(stalls: readonly Stall[]): void;
  all(): readonly Listed[];
}

export function createListing(): Listing {
  let live: readonly Stall[] = [];
  let over: readonly Stall[] = [];
  /** No more under way, and not among those that are over yet. */
  const ending = new Map<string, { readonly stall: Stall; updates: number }>();
  const isKnown = ({ id }: Stall): boolean => [...live, ...over].some((one) => one.id === id);

  return {
    observe(loops) {
      const before = live;
      live = loops.flatMap(({ stall }) => stall ?? []);
      for (const stall of before) ending.set(stall.id, { stall, updates: 0 });
      for (const one of ending.values())
        if (isKnown(one.stall) || one.updates++ >= ENDING_UPDATES) ending.delete(one.stall.id);
    },
    take(stalls) {
      const told = new Set(stalls.map(({ id }) => id));
      over = [...stalls, ...over.filter(({ id }) => !told.has(id))].slice(0, STALLS_MAX);
      for (const { stall } of ending.values()) if (isKnown(stall)) ending.delete(stall.id);
    },
    all() {
      // It may be over by the one account, and not yet by the other.
      const ids = new Set(over.map(({ id }) => id));
      return [
        ...live.filter(({ id }) => !ids.has(id)).map((stall) => ({ stall, live: true, complete: false })),
        ...[...ending.values()].map(({ stall }) => ({ stall, live: false, complete: false })),
        ...over.map((stall) => ({ stall, live: false, complete: true })),
      ];
    },
  };
}

/** Which stall an address is of: `#stall=<id>`. */
export function stallOfHash(hash: string): string | undefined {
  const id = new URLSearchParams(hash.slice(1)).get('stall');
  return id === null || id === '' ? undefined : id;
}

export const hashOfStall = (id: string): string => `#${new URLSearchParams({ stall: id })}`;
