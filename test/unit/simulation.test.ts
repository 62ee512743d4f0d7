import { expect, it } from 'vitest';
import { CAUSES } from '../../src/shared/labels.js';
import { DELAY_BOUNDS_MS, RESOURCES, RING_SIZE } from '../../src/shared/layout.js';
import { allocate, openReader } from '../../src/shared/regions.js';
import { createCulpritBoard } from '../../worker/culprits/board.js';
import { sampleDelay } from '../../worker/loops/delay.js';
import { collectEventloop } from '../../worker/metrics/eventloop.js';
import type { Family } from '../../worker/metrics/family.js';
import type { Sources } from '../../worker/metrics/sources.js';
import { collectStalls } from '../../worker/metrics/stalls.js';
import { SEED } from '../support/seed.js';
import { SIDECAR_OPTIONS } from '../support/sidecar-options.js';
import { simulate, type Telling, type World } from '../support/simulation.js';
import { total } from '../support/virtual-loop.js';

const RUNS = 2000;
/** A scrape takes longer than all else of a poll. */
const POLLS_PER_SCRAPE = 4;
/** Sums of many lengths, and lengths that were added up in another order. */
const ROUNDING_MS = 1e-3;

const NO_RESOURCES = openReader(RESOURCES, allocate(RESOURCES))();

/** What a scrape would answer of the loop now. */
function scrape({ process: { loop } }: World): Family[] {
  const view = {
    labels: { thread: 'main' },
    stats: loop.read(),
    ledger: loop.ledger,
    resources: NO_RESOURCES,
    resourceTypes: [],
    times: undefined,
    culprits: createCulpritBoard(loop.now).join(loop.ledger).series(),
  };
  sampleDelay(loop.now(), view.stats, loop.ledger, DELAY_BOUNDS_MS);
  const sources = { nowMs: loop.now(), loops: [view], options: SIDECAR_OPTIONS } as unknown as Sources;
  return [...collectEventloop(sources), ...collectStalls(sources)];
}

/** Scrapes now and then, and says which counters were lower than before. */
function watchCounters(): { polled(world: World): void; readonly lowered: readonly string[] } {
  const highest = new Map<string, number>();
  const lowered: string[] = [];
  let polls = 0;
  return {
    lowered,
    polled(world) {
      if (polls++ % POLLS_PER_SCRAPE > 0) return;
      for (const { name, type, samples } of scrape(world)) {
        if (type === 'gauge') continue;
        for (const { labels, suffix = '', value } of samples) {
          const series = `${name}${suffix} ${Object.values(labels ?? {})}`;
          const before = highest.get(series) ?? 0;
          if (!(value >= before)) lowered.push(`${series} from ${before} to ${value}`);
          highest.set(series, value);
        }
      }
    },
  };
}

const turnOf = ({ stall }: Telling): number => Number(stall.id.slice(stall.id.indexOf('-') + 1));

/** Each stall is told exactly once, with its length; but for those of which only the number is known. */
function faultsOfTelling({ history, process: { loop } }: World): string[] {
  const faults: string[] = [];
  const truths = new Map(history.stalls.map((truth) => [truth.turn, truth]));
  const told = new Map<number, Telling>();
  for (const telling of history.told) {
    const turn = turnOf(telling);
    const truth = truths.get(turn);
    if (told.has(turn)) faults.push(`the stall of turn ${turn} was told twice`);
    told.set(turn, telling);
    if (!truth) faults.push(`turn ${turn} was told, but no stall`);
    else if (Math.abs(truth.durationMs - telling.stall.durationMs) > ROUNDING_MS)
      faults.push(
        `turn ${turn} took ${truth.durationMs} ms, and was told to take ${telling.stall.durationMs}`,
      );
  }
  const counted = loop.ledger.get('stallCount');
  if (counted !== history.stalls.length) faults.push(`${history.stalls.length} stalls, counted ${counted}`);
  const untold = history.stalls.filter(({ turn }) => !told.has(turn));
  // The ring has forgotten some: nothing but their number is known.
  const lost = loop.ledger.get('stallsByCause', CAUSES.indexOf('unknown')) - unknowns(told);
  if (untold.length !== lost) faults.push(`${untold.length} stalls were not told, ${lost} counted as lost`);
  if (untold.length > 0 && history.stalls.length <= RING_SIZE)
    faults.push(`${untold.length} stalls were lost, of ${history.stalls.length}`);
  const begins = new Set(history.begun.map((telling) => `${turnOf(telling)} ${telling.sidecarMs}`));
  if (begins.size < history.begun.length) faults.push('a sidecar told twice that a stall began');
  for (const begun of new Set(history.begun.map(turnOf)))
    if (!told.has(begun) && !untold.some(({ turn }) => turn === begun))
      faults.push(`turn ${begun} began, and never ended`);
  return faults;
}

const unknowns = (told: ReadonlyMap<number, Telling>): number =>
  [...told.values()].filter(({ stall }) => stall.cause === 'unknown').length;

/** All of the time of the stalls is charged, once. */
function faultsOfTime({ history, settings, process }: World): string[] {
  const { loop } = process;
  const trueMs = total(history.stalls.map(({ durationMs }) => durationMs));
  const chargedMs = total(CAUSES.map((_, index) => loop.ledger.get('stallMsByCause', index)));
  const faults: string[] = [];
  if (Math.abs(chargedMs - trueMs) > ROUNDING_MS) faults.push(`charged ${chargedMs} of ${trueMs} ms`);
  const stoppedMs = process.stoppedMs();
  // Without accounts a little of the machine's own lateness goes along.
  if (settings.accounts && history.suspendedMs > stoppedMs + ROUNDING_MS)
    faults.push(`suspended for ${history.suspendedMs} ms, but stopped for ${stoppedMs}`);
  return faults;
}

/** And so it is to culprits, or to nobody. */
function faultsOfBlame({ history, process: { loop } }: World): string[] {
  const trueMs = total(history.stalls.map(({ durationMs }) => durationMs));
  // As of when all of it is shown.
  const series = createCulpritBoard(() => loop.now() + 90_000)
    .join(loop.ledger)
    .series();
  const blamedMs = 1000 * total(series.map(({ seconds }) => seconds));
  return Math.abs(blamedMs - trueMs) > ROUNDING_MS ? [`blamed somebody for ${blamedMs} of ${trueMs} ms`] : [];
}

/** Nothing is said of what nobody has seen. */
function faultsOfCauses({ history, settings, process: { loop } }: World): string[] {
  const truths = new Map(history.stalls.map((truth) => [truth.turn, truth]));
  const faults = history.told.flatMap((telling) => {
    const truth = truths.get(turnOf(telling));
    const { id, cause, cpuMs } = telling.stall;
    if (!truth || cause === 'unknown') return [];
    if (telling.sidecarMs >= truth.endMs)
      return [`${id} was over when its sidecar began, but is told ${cause}`];
    if (!settings.accounts && cpuMs !== undefined) return [`${id} has a CPU time that nobody keeps`];
    // What a sidecar finds out by its own timer.
    if (cause === 'suspended') return truth.suspended ? [] : [`${id} is told suspended, but was not stopped`];
    return cpuMs === undefined ? [`nothing was read of ${id}, but it is told ${cause}`] : [];
  });
  if (settings.accounts) return faults;
  const made = (['cpu', 'blocked', 'starved'] as const).filter(
    (cause) => loop.ledger.get('stallMsByCause', CAUSES.indexOf(cause)) > 0,
  );
  return [...faults, ...made.map((cause) => `nothing was ever read, but time is charged to ${cause}`)];
}

it(`keeps its promises over ${RUNS} lives of a process, from seed ${SEED}`, () => {
  const causes = new Set<string>();
  let deaths = 0;
  for (let seed = SEED; seed < SEED + RUNS; seed++) {
    const counters = watchCounters();
    const world = simulate(seed, counters.polled);
    const faults = [
      ...counters.lowered,
      ...faultsOfTelling(world),
      ...faultsOfTime(world),
      ...faultsOfBlame(world),
      ...faultsOfCauses(world),
    ];
    expect(faults, `repeat with WATCHDOG_TEST_SEED=${seed}`).toEqual([]);
    deaths += world.history.deaths;
    for (const { stall } of world.history.told) causes.add(stall.cause);
  }
  // Else it has proved nothing.
  expect(deaths).toBeGreaterThan(RUNS / 10);
  expect([...causes].sort()).toEqual(['blocked', 'cpu', 'starved', 'suspended', 'unknown']);
});
