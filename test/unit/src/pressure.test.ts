import { expect, it } from 'vitest';
import { createPools } from '../../../src/pools/pools.js';
import { createPressureGauge, type PressureGauge } from '../../../src/pressure.js';
import { allocate, HOUSE, LEDGER } from '../../../src/shared/layout.js';
import { openLedger } from '../../../worker/counters.js';
import { watchThreadpool } from '../../../worker/system/threadpool.js';
import { createRig, type Rig } from '../../support/virtual-loop.js';

function gaugeOf(rig: Rig, ledger: SharedArrayBuffer = allocate(LEDGER)): PressureGauge {
  return createPressureGauge({
    now: rig.now,
    worstMs: (nowMs) => Math.max(rig.heart.worstMs(nowMs), rig.heldMs(nowMs)),
    activeMs: (nowMs) => rig.heart.activeMs() + rig.heldMs(nowMs),
    pools: () => ({}),
    ledger,
  });
}

it('tells the longest turn of the last second, and forgets it', () => {
  const rig = createRig();
  const gauge = gaugeOf(rig);
  rig.idle(2000);
  expect(gauge.read().lagMs).toBe(0);
  rig.busy(80);
  for (let i = 0; i < 40; i++) rig.busy(10);
  expect(gauge.read().lagMs).toBeCloseTo(80);
  for (let i = 0; i < 60; i++) rig.busy(10);
  expect(gauge.read().lagMs).toBeCloseTo(10);
  rig.idle(1100);
  expect(gauge.read().lagMs).toBe(0);
});

it('tells how much of the last second the loop was held', () => {
  const rig = createRig();
  const gauge = gaugeOf(rig);
  const go = (busy: number, idle: number): void => {
    for (let i = 0; i < 20; i++) {
      rig.busy(busy);
      if (idle > 0) rig.idle(idle);
      gauge.note(rig.now());
    }
  };
  gauge.read();
  go(25, 75);
  expect(gauge.read().utilization).toBeCloseTo(0.25, 1);
  go(100, 0);
  expect(gauge.read().utilization).toBeCloseTo(1);
  go(1, 99);
  expect(gauge.read().utilization).toBeCloseTo(0.01, 1);
});

it('counts the turn in progress', () => {
  const rig = createRig();
  const gauge = gaugeOf(rig);
  rig.idle(3000);
  gauge.read();
  rig.pass(1500);
  const { lagMs, utilization } = gauge.read();
  expect(lagMs).toBeCloseTo(1500);
  expect(utilization).toBeGreaterThan(0.9);
});

it('tells how long libuv keeps a probe waiting, also the one under way', () => {
  const rig = createRig();
  const memory = allocate(LEDGER);
  const ledger = openLedger(LEDGER, memory);
  let answer = (): void => {};
  const pool = watchThreadpool(
    4,
    ledger,
    rig.now,
    () => 0,
    (answered) => {
      answer = answered;
    },
    false,
  );
  const gauge = gaugeOf(rig, memory);
  expect(gauge.read().threadpoolDelayMs).toBe(0);
  const startedMs = rig.now();
  rig.idle(4900);
  pool.look(rig.now(), startedMs);
  // The app may still set the pool's size.
  rig.idle(100);
  expect(gauge.read().threadpoolDelayMs).toBe(0);
  pool.look(rig.now(), startedMs);
  rig.idle(300);
  expect(gauge.read().threadpoolDelayMs).toBeCloseTo(300);
  answer();
  pool.look(rig.now(), startedMs);
  rig.idle(200);
  expect(gauge.read().threadpoolDelayMs).toBeCloseTo(300);
});

it('tells of each pool by its name, whatever that is', () => {
  const pools = createPools({ house: allocate(HOUSE), clock: () => 1, onEntry() {}, onRemove() {} });
  pools.watch('__proto__', () => ({ capacity: 4, active: 3, queued: 2 }));
  expect(Object.entries(pools.pressure())).toEqual([['__proto__', { capacity: 4, active: 3, queued: 2 }]]);
});
