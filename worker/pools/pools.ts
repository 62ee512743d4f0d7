import { latenessOf } from '../../src/shared/lateness.js';
import type { LoopStats } from '../../src/shared/layout.js';
import type { PoolEntry } from '../../src/shared/protocol.js';
import type { Contain } from '../contain.js';
import { openCensus } from '../system/census.js';
import { openPool, type PoolView } from './pool.js';

/** The worker pools under watch. */
export interface Pools {
  all(): readonly PoolView[];
  /** A new pool, or news of a known one. */
  set(entry: PoolEntry): void;
  remove(id: number): void;
  /** Samples them all. Returns the one in which most tasks wait. */
  sample(nowMs: number, stats: LoopStats): { readonly pool: string; readonly size: number } | undefined;
  /** A thread of our own has ended: it was none of a pool's. */
  excuseThread(): void;
}

export function openPools(entries: readonly PoolEntry[], now: () => number, contain: Contain): Pools {
  const pools = new Map(entries.map((entry) => [entry.id, openPool(entry, now)]));
  const census = openCensus();
  const all = (): readonly PoolView[] => [...pools.values()];
  return {
    all,
    set(entry) {
      const known = pools.get(entry.id);
      if (known) known.update(entry);
      else pools.set(entry.id, openPool(entry, now));
    },
    remove: (id) => void pools.delete(id),
    sample(nowMs, stats) {
      if (pools.size === 0) return undefined;
      const frozen = latenessOf(nowMs, stats.dueMs, stats.lastMarkMs) > 0;
      const removed = all().reduce((sum, pool) => sum + pool.removed, 0);
      const lost = census.sample(frozen, removed);
      return all()
        .map((pool) => ({
          pool: pool.name,
          size: contain('pools', () => pool.sample(nowMs, stats, lost).queueSize) ?? 0,
        }))
        .filter(({ size }) => size > 0)
        .reduce<{ pool: string; size: number } | undefined>(
          (fullest, one) => (fullest && fullest.size >= one.size ? fullest : one),
          undefined,
        );
    },
    excuseThread: census.excuse,
  };
}
