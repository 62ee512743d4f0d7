import { expect, it } from 'vitest';
import { createPools } from '../../../src/pools/pools.js';
import { createPressureGauge, type PressureGauge } from '../../../src/pressure.js';
import { LEDGER, PROCESS_STATE } from '../../../src/shared/layout.js';
import { allocate } from '../../../src/shared/regions.js';
import { openLedger } from '../../../worker/counters.js';
import { watchThreadpool } from '../../../worker/system/threadpool.js';
import { createVirtualLoop, type VirtualLoop } from '../../support/virtual-loop.js';

function gaugeOf(loop: VirtualLoop, ledger: SharedArrayBuffer = allocate(LEDGER)): PressureGauge {
  return createPressureGauge({
    now: loop.now,
    worstMs: (nowMs) => Math.max(loop.meter.worstMs(nowMs), loop.heldMs(nowMs)),
    activeMs: (nowMs) => loop.meter.activeMs() + loop.heldMs(nowMs),
    pools: () => ({}),
    ledger,
  });
}

it('tells the longest turn of the last second, and forgets it', () => {
  const loop = createVirtualLoop();
  const gauge = gaugeOf(loop);
  loop.idle(2000);
  expect(gauge.read().lagMs).toBe(0);
  loop.busy(80);
  for (let i = 0; i < 40; i++) loop.busy(10);
  expect(gauge.read().lagMs).toBeCloseTo(80);
  for (let i = 0; i < 60; i++) loop.busy(10);
  expect(gauge.read().lagMs).toBeCloseTo(10);
  loop.idle(1100);
  expect(gauge.read().lagMs).toBe(0);
});

it('tells how much of the last second the loop was held', () => {
  const loop = createVirtualLoop();
  const gauge = gaugeOf(loop);
  const go = (busy: number, idle: number): void => {
    for (let i = 0; i < 20; i++) {
      loop.busy(busy);
      if (idle > 0) loop.idle(idle);
      gauge.note(loop.now());
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
  const loop = createVirtualLoop();
  const gauge = gaugeOf(loop);
  loop.idle(3000);
  gauge.read();
  loop.pass(1500);
  const { lagMs, utilization } = gauge.read();
  expect(lagMs).toBeCloseTo(1500);
  expect(utilization).toBeGreaterThan(0.9);
});

it('tells how long libuv keeps a probe waiting, also the one under way', () => {
  const loop = createVirtualLoop();
  const memory = allocate(LEDGER);
  const ledger = openLedger(LEDGER, memory);
  let answer = (): void => {};
  const pool = watchThreadpool(
    4,
    ledger,
    loop.now,
    () => 0,
    (answered) => {
      answer = answered;
    },
    false,
  );
  const gauge = gaugeOf(loop, memory);
  expect(gauge.read().threadpoolDelayMs).toBe(0);
  const startedMs = loop.now();
  loop.idle(4900);
  pool.sample(loop.now(), startedMs);
  // The app may still set the pool's size.
  loop.idle(100);
  expect(gauge.read().threadpoolDelayMs).toBe(0);
  pool.sample(loop.now(), startedMs);
  loop.idle(300);
  expect(gauge.read().threadpoolDelayMs).toBeCloseTo(300);
  answer();
  pool.sample(loop.now(), startedMs);
  loop.idle(200);
  expect(gauge.read().threadpoolDelayMs).toBeCloseTo(300);
});

it('tells of each pool by its name, whatever that is', () => {
  const pools = createPools({
    processState: allocate(PROCESS_STATE),
    clock: () => 1,
    onEntry() {},
    onRemove() {},
  });
  pools.watch('__proto__', () => ({ capacity: 4, active: 3, queued: 2 }));
  expect(Object.entries(pools.pressure())).toEqual([['__proto__', { capacity: 4, active: 3, queued: 2 }]]);
});
