import fc from 'fast-check';
import { expect, it } from 'vitest';
import { createTurnMeter, GO_ROUND, ROUSE } from '../../../../src/loop/turns.js';
import { DELAY_BOUNDS_MS, LOOP_STATS, RING } from '../../../../src/shared/layout.js';
import { allocate, openReader } from '../../../../src/shared/regions.js';
import { total } from '../../../support/virtual-loop.js';

/**
 * libuv's loop in virtual time, as Node.js runs it since libuv 1.45: timers, then waiting for events unless
 * an immediate is due, then what has come in, then immediates, the marker among them.
 */
function simulate(events: readonly Event[], heartbeatIntervalMs: number, stallThresholdMs: number) {
  const memory = { stats: allocate(LOOP_STATS), ring: allocate(RING) };
  const startMs = 1000;
  const settings = {
    heartbeatIntervalMs,
    stallThresholdMs,
    delayBoundsMs: DELAY_BOUNDS_MS,
    startedAtMs: startMs,
    inLoop: false,
  };
  const meter = createTurnMeter(memory, settings);
  const of = (kind: Event['kind']): Event[] =>
    events.filter((one) => one.kind === kind).sort((a, b) => a.atMs - b.atMs);
  const timers = of('timer');
  const io = of('io');
  const immediates: number[] = [];
  let now = startMs;
  let idleTotal = 0;
  let beatAt = startMs + heartbeatIntervalMs;
  let refd = true;
  /** What held the loop without its waiting in between, as an event at its door sees it: by turn. */
  const holds: number[] = [];
  let turns = 0;
  /** Turns of which the pacer's beat may have taken the time. */
  let unclear = 0;
  function run(one: Event): void {
    now += one.holdMs;
    if (one.thenMs > 0) immediates.push(one.thenMs);
  }
  function take(queue: Event[]): boolean {
    let some = false;
    for (; queue[0] && startMs + queue[0].atMs <= now; some = true) run(queue.shift() as Event);
    return some;
  }

  const endMs = startMs + Math.max(0, ...events.map((one) => one.atMs)) + 60_000;
  while (timers.length + io.length + immediates.length > 0 && now < endMs) {
    const fromMs = now;
    let some = take(timers);
    const beats = now >= beatAt;
    if (beats) beatAt = now + meter.pace(now);
    const timersMs = now - fromMs;
    const untilMs = Math.min(
      beatAt,
      ...[timers[0], io[0]].map((one) => (one ? startMs + one.atMs : Infinity)),
    );
    const waits = !refd && immediates.length === 0 && untilMs > now;
    if (waits) {
      idleTotal += untilMs - now;
      now = untilMs;
    }
    const inFromMs = now;
    some = take(io) || some;
    for (const ms of immediates.splice(0)) {
      now += ms;
      some = true;
    }
    const inMs = now - inFromMs;
    // A wait that is too short to be told from none parts nothing.
    holds.push(...(inFromMs - fromMs - timersMs >= 0.05 ? [timersMs, inMs] : [timersMs + inMs]));
    // The first is one in any case.
    if (some || waits || turns === 0) turns++;
    if (beats && some && !waits && timersMs + inMs < 1) unclear++;
    const next = meter.mark(now, idleTotal, startMs);
    if (next & ROUSE) beatAt = now + meter.rouse(now);
    refd = (next & GO_ROUND) > 0;
  }
  return {
    stats: openReader(LOOP_STATS, memory.stats)(),
    holds: holds.filter((ms) => ms > 0),
    turns,
    unclear,
  };
}

interface Event {
  readonly kind: 'timer' | 'io';
  readonly atMs: number;
  /** The callback and its microtasks. */
  readonly holdMs: number;
  /** An immediate that it sets; 0: none. */
  readonly thenMs: number;
}

/** In steps of half a millisecond: what is shorter may be told from nothing, or not. */
const halves = (min: number, max: number): fc.Arbitrary<number> => fc.integer({ min, max }).map((n) => n / 2);
const holdMs = fc.oneof(halves(1, 10), halves(10, 600));
const events = fc.array(
  fc.record({
    kind: fc.constantFrom('timer' as const, 'io' as const),
    atMs: halves(0, 6000),
    holdMs,
    thenMs: fc.oneof({ weight: 4, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: holdMs }),
  }),
  { minLength: 1, maxLength: 40 },
);

it('no turn holds two things with idling between, over random timers, I/O, immediates and idling', () => {
  fc.assert(
    fc.property(events, fc.constantFrom(20, 100, 1000), (all, interval) => {
      const { stats, holds, turns, unclear } = simulate(all, interval, 100);
      expect(stats.delayMs).toBeCloseTo(total(holds), 3);
      expect(stats.halfSquareMs2).toBeCloseTo(total(holds.map((ms) => ms ** 2 / 2)), 2);
      expect(stats.stalls).toBe(holds.filter((ms) => ms >= 100).length);
      expect(stats.turns).toBeLessThanOrEqual(turns);
      expect(stats.turns).toBeGreaterThanOrEqual(turns - unclear);
    }),
    { numRuns: 3000 },
  );
});
