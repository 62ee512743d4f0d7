import { expect, it } from 'vitest';
import type { Cause } from '../../../../src/shared/labels.js';
import type { Stall } from '../../../../src/shared/stall.js';
import { type Random, randomBetween, SEED } from '../../../support/seed.js';
import { createVirtualLoop } from '../../../support/virtual-loop.js';
import {
  createVirtualProcess,
  type Hold,
  type VirtualProcess,
  type Work,
} from '../../../support/virtual-process.js';
import { startVirtualSidecar } from '../../../support/virtual-sidecar.js';
import { createVirtualThread } from '../../../support/virtual-thread.js';

interface World extends VirtualProcess {
  /** The turns that were stalls, and what was told of them. */
  readonly truths: readonly Hold[];
  readonly told: readonly Stall[];
}

function createWorld(random: Random, jitterMs: number): World {
  const loop = createVirtualLoop();
  const thread = createVirtualThread();
  const truths: Hold[] = [];
  const told: Stall[] = [];
  const sidecar = startVirtualSidecar({
    loop,
    thread,
    random,
    stallThresholdMs: 100,
    jitterMs,
    knowsItself: true,
    onEffect: () => {},
    onBegin: () => {},
    onEnd: (stall) => told.push(stall),
    onSuspension: () => {},
  });
  let stalls = 0;
  const onTurn = (hold: Hold | undefined): void => {
    if (hold && loop.read().stalls > stalls) truths.push(hold);
    stalls = loop.read().stalls;
  };
  return Object.assign(createVirtualProcess({ loop, thread, random, sidecar, onTurn }), { truths, told });
}

function causeOf({ fromMs, toMs, ...parts }: Hold): { cause: Cause; clear: boolean } {
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

/**
 * How many of the clear ones were told wrong, and how far off the accounts were on the average, as a part of
 * the time.
 */
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

const STALLS = 400;
const GAPS_MS = 30;

it.each<[string, number, number, number, (world: World, random: Random) => void]>([
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
    (world, random) => world.hold([['contended', random(110, 300)]]),
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
  const random = randomBetween(SEED);
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
  const random = randomBetween(SEED);
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
