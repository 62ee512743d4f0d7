import { CULPRITS_MAX } from '../../src/shared/layout.js';
import type { Frame, Stall } from '../../src/shared/stall.js';
import type { LoopLedger } from '../counters.js';
import { type Culprit, createCandidates } from './candidates.js';
import { labelsOf } from './label.js';
import { type CulpritRow, type CulpritRows, openCulpritRows } from './rows.js';

/** How many times the weight of the least series a culprit must have to take its place. */
const CLEARLY = 2;

/**
 * The seconds of finished stalls by culprit: the worst of the process have a series each, the rest is `other`,
 * and what nobody is known for is `unknown`.
 *
 * Whoever comes while there is room gets a series at once. Later one that is clearly worse than the least
 * takes its place, and begins with the stall that makes it so: a culprit that stalls once, but for long, is
 * told by name. What it was charged before stays in `other`; what was told of the one that leaves is told no
 * more. So no series ever goes back, and all of them together grow by what `watchdog_stall_duration_seconds`
 * grows by: `rate()` and `increase()` are right, each and summed up. Were the one that leaves absorbed by
 * `other`, its seconds would be an increase a second time; were it kept until the process ends, one that runs
 * for months would tell of its first twenty. Who comes back begins at 0, as after a restart.
 *
 * Worse is by weight: seconds, halved each day, so that the list is of late. A place goes only to who has
 * more than twice the weight, so each change doubles it, and a day undoes one doubling a place: whatever
 * comes, in the long run there are at most twenty changes a day, and so few new series for Prometheus.
 *
 * A series leaves only when what it says has been there to be scraped for long enough; while all of them grow
 * every minute none does.
 */
export interface CulpritBoard {
  /** Counts for one more loop, and goes on with what its ledger holds. */
  join(ledger: LoopLedger): LoopCulprits;
}

export interface CulpritSeries {
  readonly culprit: string;
  readonly seconds: number;
}

/** The culprits of one loop. */
export interface LoopCulprits {
  /** Of a stall that is over, after it is counted. */
  charge(stall: Pick<Stall, 'culprit' | 'durationMs'>): void;
  /** Puts under `unknown` what was counted and not charged to anybody. */
  settle(): void;
  series(): readonly CulpritSeries[];
  /** The loop is no more. */
  leave(): void;
}

export function createCulpritBoard(now: () => number): CulpritBoard {
  const loops = new Set<CulpritRows>();
  const candidates = createCandidates();
  const rowOf = (rows: CulpritRows, label: string): CulpritRow | undefined =>
    rows.all().find((row) => row.label === label);

  /** By the first of the frame's labels that does not stand for another file, or the longest. */
  function identify(rows: CulpritRows, frame: Frame): Culprit {
    const { file } = frame;
    let culprit: Culprit = { rows, label: '', file };
    for (const label of labelsOf(frame)) {
      culprit = { rows, label, file };
      const known = rowOf(rows, label) ?? candidates.find(culprit);
      if (known?.file === undefined || known.file === file) break;
    }
    return culprit;
  }

  /** Begins a series for one who has none, if it deserves one. */
  function claim(culprit: Culprit, ms: number, nowMs: number): CulpritRow | undefined {
    const weightMs = candidates.weightMs(culprit, nowMs);
    const series = [...loops].flatMap((rows) => rows.all().map((row) => ({ rows, row })));
    if (series.length >= CULPRITS_MAX) {
      const [least] = series
        .filter(({ row }) => row.isShown(nowMs))
        .sort((a, b) => a.row.weightMs(nowMs) - b.row.weightMs(nowMs));
      const leastMs = least?.row.weightMs(nowMs) ?? Number.POSITIVE_INFINITY;
      if (!least || weightMs + ms <= CLEARLY * leastMs) return undefined;
      least.row.free();
      candidates.add({ rows: least.rows, label: least.row.label, file: least.row.file }, leastMs, nowMs);
    }
    candidates.remove(culprit);
    return culprit.rows.take(culprit, weightMs, nowMs);
  }

  function charge(ledger: LoopLedger, culprit: Culprit, ms: number): void {
    const nowMs = now();
    const row = rowOf(culprit.rows, culprit.label) ?? claim(culprit, ms, nowMs);
    if (row) {
      row.file ??= culprit.file;
      row.charge(ms, nowMs);
    } else {
      candidates.add(culprit, ms, nowMs);
      ledger.add('culpritOtherMs', ms);
    }
  }

  return {
    join(ledger) {
      const rows = openCulpritRows(ledger);
      loops.add(rows);
      return {
        charge({ culprit, durationMs }) {
          if (culprit) charge(ledger, identify(rows, culprit), durationMs);
        },
        settle() {
          // Stalls without a stack; those that the ring forgot; one whose sidecar died before it charged it.
          // Sums of sums are not exact to the last bit: raised, for a fall would look like a restart.
          const chargedMs = rows.chargedMs() + ledger.get('culpritOtherMs');
          ledger.raise('culpritUnknownMs', ledger.get('stallSumMs') - chargedMs);
        },
        series() {
          const nowMs = now();
          const named = rows.all().map((row) => [row.label, row.valueMs(nowMs)] as const);
          const rest = [
            ['other', ledger.get('culpritOtherMs')],
            ['unknown', ledger.get('culpritUnknownMs')],
          ] as const;
          return [...named, ...rest].map(([culprit, ms]) => ({ culprit, seconds: ms / 1000 }));
        },
        leave() {
          for (const row of rows.all()) row.free();
          loops.delete(rows);
          candidates.removeAll(rows);
        },
      };
    },
  };
}
