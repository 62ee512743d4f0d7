import { afterEach, describe, expect, it, vi } from 'vitest';
import { DELAY_BOUNDS_MS, GC, HEAP, LEDGER } from '../../../../src/shared/layout.js';
import { allocate, openReader } from '../../../../src/shared/regions.js';
import type { History, HistorySeries } from '../../../../src/shared/status.js';
import { openLedger } from '../../../../worker/counters.js';
import { sampleDelay } from '../../../../worker/loops/delay.js';
import type { LoopAccounts } from '../../../../worker/loops/loop.js';
import { openRecords, type Records, type RecordsParts } from '../../../../worker/status/records.js';
import { createVirtualLoop, type VirtualLoop } from '../../../support/virtual-loop.js';

afterEach(() => void vi.restoreAllMocks());

interface Watched {
  readonly loop: VirtualLoop;
  readonly records: Records;
  /** A round of the poll at this moment. */
  round(): void;
  history(since?: number): History;
  latest(name: HistorySeries): number | null | undefined;
  readonly faults: string[];
}

function watch(more: Partial<RecordsParts> = {}, accounts: Partial<LoopAccounts> = {}): Watched {
  const loop = createVirtualLoop();
  const faults: string[] = [];
  const [gc, heap] = [openReader(GC, allocate(GC))(), openReader(HEAP, allocate(HEAP))()];
  const main = {
    stats: loop.read,
    stall: () => undefined,
    accounts: () => ({ stats: loop.read(), ledger: loop.ledger, gc, heap, times: undefined, ...accounts }),
  };
  const records = openRecords({
    main,
    others: () => [],
    pools: () => [],
    ledger: openLedger(LEDGER, allocate(LEDGER)),
    throttling: undefined,
    contain(name, part) {
      try {
        return part();
      } catch {
        faults.push(name);
        return undefined;
      }
    },
    restarts: 0,
    earlier: [],
    wallClockOf: (momentMs) => Date.UTC(2026, 0, 1) + momentMs,
    ...more,
  });
  return {
    loop,
    records,
    faults,
    round() {
      sampleDelay(loop.now(), loop.read(), loop.ledger, DELAY_BOUNDS_MS);
      records.note(loop.now());
    },
    history: (since) => records.history(since, loop.now(), []),
    latest: (name) => records.history(undefined, loop.now(), []).series[name].at(-1),
  };
}

/** A point, and so many seconds of nothing, with five rounds in each. */
function idle({ loop, round }: Watched, seconds: number): void {
  round();
  for (let i = 0; i < 5 * seconds; i++) {
    loop.idle(200);
    round();
  }
}

describe('points', () => {
  it('come in the first round after a second, whatever the rounds', () => {
    const often = watch();
    idle(often, 10);
    expect(often.history().at).toHaveLength(11);
    const seldom = watch();
    for (let i = 0; i < 10; i++) {
      seldom.loop.idle(1003);
      seldom.round();
    }
    expect(seldom.history().at).toHaveLength(10);
  });

  it('never come faster than seconds pass, so that the numbers of the next sidecar are higher', () => {
    const began = vi.spyOn(Date, 'now').mockReturnValue(1_800_000_000_999);
    const first = watch();
    for (let i = 0; i < 1000; i++) {
      first.loop.idle(991);
      first.round();
    }
    const { seq } = first.history();
    began.mockReturnValue(1_800_000_000_999 + 991_000);
    const second = watch({ restarts: 1 });
    second.round();
    expect(second.history().seq).toBeGreaterThan(seq);
    expect(second.history(seq).at).toHaveLength(1);
  });
});

describe('of main it tells', () => {
  it('the delay and the utilization of the second, by what was exactly counted', () => {
    const watched = watch();
    const { loop, latest } = watched;
    idle(watched, 3);
    expect(latest('delayP99Ms')).toBe(0);
    expect(latest('delayMaxMs')).toBe(0);
    expect(latest('utilization')).toBe(0);
    // One turn of 400 ms in a second: of what comes in it, 40 % waits up to so long.
    loop.busy(400);
    loop.idle(600);
    watched.round();
    expect(latest('delayP50Ms')).toBe(0);
    expect(latest('delayP99Ms')).toBeGreaterThan(380);
    expect(latest('delayP99Ms')).toBeLessThanOrEqual(400);
    expect(latest('delayMaxMs')).toBe(400);
    expect(latest('utilization')).toBeCloseTo(0.4, 2);
    idle(watched, 2);
    expect(latest('delayMaxMs')).toBe(0);
    expect(latest('delayP99Ms')).toBe(0);
  });

  it('a freeze while it lasts: the delay rises with it', () => {
    const watched = watch();
    const { loop, history } = watched;
    idle(watched, 3);
    for (let i = 0; i < 80; i++) {
      loop.pass(50);
      watched.round();
    }
    const { series } = history();
    for (const name of ['delayP50Ms', 'delayP99Ms', 'delayMaxMs'] as const) {
      const [a, b, c] = series[name].slice(-3) as [number, number, number];
      expect(b - a, name).toBeCloseTo(1000, -2);
      expect(c - b, name).toBeCloseTo(1000, -2);
    }
    expect(series.utilization.slice(-2)).toEqual([1, 1]);
    const below = series.delayMaxMs.filter((max, i) => (max ?? 0) < (series.delayP99Ms[i] ?? 0));
    expect(below).toEqual([]);
    expect(watched.records.minute(loop.now())?.delayP99Ms).toBeGreaterThan(3500);
  });

  it('nothing before its first turn', () => {
    const watched = watch();
    for (let i = 0; i < 3; i++) {
      watched.loop.pass(1000);
      watched.round();
    }
    const { series } = watched.history();
    for (const name of ['delayP50Ms', 'delayP99Ms', 'delayMaxMs', 'utilization', 'heapUsedBytes'] as const)
      expect(series[name], name).toEqual([null, null, null]);
    expect(watched.records.minute(watched.loop.now())).toBeUndefined();
  });
});

it('tells CPU, run queue, throttling and collections by what their counters grew', () => {
  const times = { cpuMs: 5000, runQueueMs: 100 };
  const throttled = { periods: 1, throttledPeriods: 0, throttledSeconds: 7 };
  const gc = { ...openReader(GC, allocate(GC))(), sumsMs: new Float64Array([10, 5, 0, 0]) };
  const watched = watch({ throttling: () => ({ ...throttled }) }, { times, gc });
  idle(watched, 2);
  Object.assign(times, { cpuMs: 5250, runQueueMs: 3100 });
  throttled.throttledSeconds = 9;
  gc.sumsMs.set([60, 55]);
  idle(watched, 1);
  const now = Object.fromEntries(
    (['mainCpu', 'mainRunQueue', 'throttled', 'gc'] as const).map((name) => [name, watched.latest(name)]),
  );
  // A wait is booked when it is over: of a second there is no more than one.
  expect(now).toEqual({ mainCpu: 0.25, mainRunQueue: 1, throttled: 2, gc: 0.1 });
  expect(watched.latest('processCpu')).not.toBeNull();
});

it('what fails costs its own number', () => {
  const throttling = (): never => {
    throw new Error('no file descriptor is left');
  };
  const watched = watch({ throttling });
  idle(watched, 2);
  expect(watched.history().at).toHaveLength(3);
  expect(watched.latest('throttled')).toBeNull();
  expect(watched.latest('delayP99Ms')).toBe(0);
  expect(watched.faults).toEqual(['self', 'self', 'self']);
});

it('tells the utilization of the last second of any loop, once there was one', () => {
  const other = createVirtualLoop();
  const loop = { stats: other.read };
  const watched = watch({ others: () => [loop] });
  expect(watched.records.utilization(watched.loop.now(), loop)).toBeUndefined();
  other.idle(1000);
  watched.loop.idle(1000);
  watched.round();
  other.busy(250);
  other.idle(750);
  watched.loop.idle(1000);
  expect(watched.records.utilization(watched.loop.now(), loop)).toBeCloseTo(0.25, 2);
});
