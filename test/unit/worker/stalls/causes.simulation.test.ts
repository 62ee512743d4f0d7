import { expect, it } from 'vitest';
import type { Cause } from '../../../../src/shared/labels.js';
import { allocate, GC, openReader } from '../../../../src/shared/layout.js';
import type { Stall } from '../../../../src/shared/protocol.js';
import { nextPollMs } from '../../../../worker/poll.js';
import { createInvestigator } from '../../../../worker/stalls/investigate.js';
import { createSuspensions, PULSE_MS } from '../../../../worker/stalls/suspensions.js';
import { createVirtualLoop } from '../../../support/virtual-loop.js';

/** A stall that was, and what its time went into. */
interface Truth {
  readonly fromMs: number;
  toMs: number;
  cpuMs: number;
  runQueueMs: number;
  sleepMs: number;
  suspendedMs: number;
}

type Work = 'cpu' | 'crowded' | 'starved' | 'blocked';
/** The system books a running thread's time by its tick. */
const TICK_MS = 4;

/** Repeats for ever, from one number. */
function randomFrom(seed: number): (least: number, most: number) => number {
  let state = seed;
  return (least, most) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return least + (most - least) * (state / 2 ** 32);
  };
}

/**
 * A loop, its thread's accounts as the system keeps them, and a sidecar that looks when it would, in virtual time.
 * @param jitterMs a busy machine: the sidecar gets its CPU this much too late
 */
function createWorld(random: ReturnType<typeof randomFrom>, jitterMs: number) {
  const loop = createVirtualLoop();
  const truths: Truth[] = [];
  const told: Stall[] = [];
  const thread = { cpuMs: 1, runQueueMs: 0, waitedMs: 0, state: 'S' };
  const own = { cpuMs: 1, runQueueMs: 0 };
  let truth: Truth | undefined;
  let slices: { readonly onMs: number; readonly offMs: number } | undefined;

  const suspensions = createSuspensions(
    () => ({ ...own }),
    () => 0,
  );
  const investigator = createInvestigator({
    name: 'main',
    stallThresholdMs: 100,
    captureAfterMs: undefined,
    ledger: loop.ledger,
    now: loop.now,
    readStats: loop.read,
    readRing: loop.readRing,
    readGc: openReader(GC, allocate(GC)),
    thread: {
      times: () => ({ cpuMs: Math.floor(thread.cpuMs / TICK_MS) * TICK_MS, runQueueMs: thread.runQueueMs }),
      state: () => ({ state: thread.state }),
    },
    suspendedBetween: suspensions.suspendedBetween,
    inspector: undefined,
    onCapture: () => {},
    onUnavailable: () => {},
    idPrefix: '1',
    onBegin: () => {},
    onEnd: (stall) => told.push({ ...stall, startedAt: String(loop.now()) }),
  });

  let expectedMs = loop.now();
  let lookAtMs = expectedMs;
  function look(): void {
    const nowMs = loop.now();
    suspensions.note(nowMs, Math.max(0, nowMs - expectedMs - 1));
    const stats = loop.read();
    investigator.observe(nowMs, stats);
    const waitMs = Math.ceil(nextPollMs(nowMs, stats, 100, investigator.isAlert(nowMs)));
    expectedMs = nowMs + (suspensions.isWary(nowMs) ? Math.min(PULSE_MS, waitMs) : waitMs);
    const lateMs = random(0, jitterMs);
    own.runQueueMs += lateMs;
    lookAtMs = expectedMs + random(0, 1) + lateMs;
  }

  /** Time in which the process runs. */
  function run(ms: number, pass: (ms: number) => void, account: (ms: number) => void): void {
    const endMs = loop.now() + ms;
    while (loop.now() < endMs) {
      const stepMs = Math.max(0, Math.min(endMs, lookAtMs) - loop.now());
      account(stepMs);
      pass(stepMs);
      if (loop.now() >= lookAtMs) look();
    }
  }

  /** The same, but stopped and continued in slices if that is so. */
  let sliceMs = 0;
  function live(ms: number, pass: (ms: number) => void, account: (ms: number) => void): void {
    if (!slices) {
      run(ms, pass, account);
      return;
    }
    for (let left = ms; left > 0; ) {
      const stepMs = Math.min(left, slices.onMs - sliceMs);
      run(stepMs, pass, account);
      left -= stepMs;
      sliceMs += stepMs;
      if (sliceMs >= slices.onMs) stop(slices.offMs, pass);
    }
  }

  function stop(ms: number, pass: (ms: number) => void): void {
    sliceMs = 0;
    if (truth) truth.suspendedMs += ms;
    pass(ms);
  }

  const accounts: Record<Exclude<Work, 'crowded'>, (ms: number) => void> = {
    cpu(ms) {
      thread.state = 'R';
      thread.cpuMs += ms;
      if (truth) truth.cpuMs += ms;
    },
    starved(ms) {
      thread.state = 'R';
      thread.waitedMs += ms;
      if (truth) truth.runQueueMs += ms;
    },
    blocked(ms) {
      thread.state = 'S';
      if (truth) truth.sleepMs += ms;
    },
  };

  /** A wait for a CPU is booked when it is over. */
  function work(kind: Work, ms: number): void {
    if (kind === 'cpu' || kind === 'blocked') {
      live(ms, loop.pass, accounts[kind]);
      return;
    }
    for (let left = ms; left > 0; ) {
      const ranMs = Math.min(left, kind === 'starved' ? random(1, 5) : random(5, 40));
      live(ranMs, loop.pass, accounts.cpu);
      left -= ranMs;
      // Of its own accord nothing ends while it waits for a CPU.
      const waitMs = Math.min(left - 0.1, random(5, 40));
      if (waitMs <= 0) continue;
      live(waitMs, loop.pass, accounts.starved);
      thread.runQueueMs += thread.waitedMs;
      thread.waitedMs = 0;
      left -= waitMs;
    }
  }

  return {
    loop,
    truths,
    told,
    /** The loop waits for events, and the pacer runs when it is due. */
    idle(ms: number): void {
      const endMs = loop.now() + ms;
      while (loop.now() < endMs) {
        const untilMs = Math.min(endMs, Math.max(loop.read().dueMs, loop.now()));
        // By the clock: it goes on while the process stands still.
        while (loop.now() < untilMs) {
          const stepMs = Math.min(
            untilMs - loop.now(),
            slices ? slices.onMs - sliceMs : Number.POSITIVE_INFINITY,
          );
          live(stepMs, loop.wait, () => {
            thread.state = 'S';
          });
        }
        if (loop.now() < endMs) loop.mark();
      }
    },
    /** One turn of the loop. */
    hold(parts: readonly (readonly [Work, number])[], stopMs = 0): void {
      const before = loop.read().stalls;
      truth = { fromMs: loop.now(), toMs: 0, cpuMs: 0, runQueueMs: 0, sleepMs: 0, suspendedMs: 0 };
      parts.forEach(([kind, ms], i) => {
        work(kind, ms);
        if (i === 0 && stopMs > 0) stop(stopMs, loop.pass);
      });
      loop.mark();
      truth.toMs = loop.now();
      if (loop.read().stalls > before) truths.push(truth);
      truth = undefined;
    },
    slice: (onMs: number, offMs: number) => {
      slices = { onMs, offMs };
    },
  };
}

type World = ReturnType<typeof createWorld>;

function causeOf({ fromMs, toMs, ...parts }: Truth): { cause: Cause; clear: boolean } {
  const ms = toMs - fromMs;
  const shares: [Cause, number][] = [
    ['cpu', parts.cpuMs / ms],
    ['blocked', parts.sleepMs / ms],
    ['starved', parts.runQueueMs / ms],
    ['suspended', parts.suspendedMs / ms],
  ];
  const [cause, share] = shares.reduce((most, one) => (one[1] > most[1] ? one : most));
  return { cause, clear: share > (cause === 'starved' ? 0.75 : 0.6) };
}

/** How many of the clear ones were told wrong, and how far off the accounts were on the average, as a part of the time. */
function judge({ truths, told }: World): { clear: number; wrong: number; off: number } {
  expect(told).toHaveLength(truths.length);
  let clear = 0;
  let wrong = 0;
  let offMs = 0;
  let totalMs = 0;
  truths.forEach((truth, i) => {
    const stall = told[i] as Stall;
    const known = causeOf(truth);
    if (known.clear) clear++;
    if (known.clear && stall.cause !== known.cause) wrong++;
    totalMs += truth.toMs - truth.fromMs;
    offMs += Math.abs((stall.cpuMs ?? 0) - truth.cpuMs);
    offMs += Math.abs((stall.runQueueMs ?? 0) - truth.runQueueMs);
    offMs += Math.abs(stall.suspendedMs - truth.suspendedMs);
  });
  return { clear, wrong, off: offMs / totalMs };
}

const SEED = Number(process.env.WATCHDOG_TEST_SEED ?? Date.now() % 1e6);
const STALLS = 400;
const GAPS_MS = 30;

it.each<[string, number, number, number, (world: World, random: ReturnType<typeof randomFrom>) => void]>([
  ['of CPU alone, quiet', 0, 0, 0.02, (world, random) => world.hold([['cpu', random(110, 300)]])],
  [
    'of CPU alone, on a busy machine',
    40,
    0,
    0.02,
    (world, random) => world.hold([['cpu', random(110, 300)]]),
  ],
  [
    'of CPU alone, of which it gets half',
    10,
    0.02,
    0.07,
    (world, random) => world.hold([['crowded', random(110, 300)]]),
  ],
  [
    'of all kinds, quiet',
    0,
    0.01,
    0.08,
    (world, random) => {
      const kind = (['cpu', 'blocked', 'starved'] as const)[Math.floor(random(0, 3))] as Work;
      world.hold([[kind, random(110, 600)]]);
    },
  ],
  [
    'of CPU and sleep, mixed, with short turns between',
    5,
    0.02,
    0.1,
    (world, random) => {
      for (let i = 0; i < random(0, 6); i++) world.hold([['cpu', random(1, 60)]]);
      world.hold([
        ['cpu', random(0, 300)],
        ['blocked', random(60, 300)],
        ['cpu', random(0, 300)],
      ]);
    },
  ],
  [
    'with a suspension in the midst of CPU',
    0,
    0.02,
    0.1,
    (world, random) => {
      world.idle(random(0, 500));
      world.hold(
        [
          ['cpu', random(50, 400)],
          ['cpu', random(50, 400)],
        ],
        random(60, 600),
      );
    },
  ],
])('stalls %s: row upon row, their causes are told', (_, jitterMs, wrongMax, offMax, stall) => {
  const random = randomFrom(SEED);
  const world = createWorld(random, jitterMs);
  world.loop.mark();
  world.idle(1500);
  for (let i = 0; i < STALLS; i++) {
    world.idle(random(0, GAPS_MS));
    stall(world, random);
  }
  world.idle(2000);
  const { clear, wrong, off } = judge(world);
  expect(wrong / Math.max(1, clear), `seed ${SEED}`).toBeLessThanOrEqual(wrongMax);
  expect(off, `seed ${SEED}`).toBeLessThan(offMax);
});

it.each([
  [30, 70],
  [10, 90],
  [40, 60],
])('a process that is stopped and continued in slices, %i ms on and %i off: suspended', (onMs, offMs) => {
  const random = randomFrom(SEED);
  const world = createWorld(random, 0);
  world.loop.mark();
  world.slice(onMs, offMs);
  world.idle(2000);
  for (let i = 0; i < 100; i++) {
    world.idle(random(0, 100));
    world.hold([['cpu', random(60, 600)]]);
  }
  world.idle(2000);
  const { wrong, off } = judge(world);
  expect(wrong, `seed ${SEED}`).toBeLessThanOrEqual(2);
  expect(off, `seed ${SEED}`).toBeLessThan(0.15);
});
