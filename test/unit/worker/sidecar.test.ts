import { expect, it, vi } from 'vitest';
import { createTurnMeter } from '../../../src/loop/turns.js';
import { now } from '../../../src/shared/clock.js';
import { INTERLOCK_BYTES } from '../../../src/shared/exit-interlock.js';
import { DELAY_BOUNDS_MS, LEDGER, PROCESS_STATE } from '../../../src/shared/layout.js';
import type { SidecarData } from '../../../src/shared/protocol.js';
import { allocate, allocateLoop } from '../../../src/shared/regions.js';
import type { Effects } from '../../../worker/basics.js';
import { createSidecar } from '../../../worker/sidecar.js';
import { SIDECAR_OPTIONS } from '../../support/sidecar-options.js';

it('works by itself, here without a thread: it serves, and ends what hangs', async () => {
  const loop = allocateLoop();
  const startedAtMs = now() - 10_000;
  const meter = createTurnMeter(loop, {
    heartbeatIntervalMs: 100,
    stallThresholdMs: 100,
    delayBoundsMs: DELAY_BOUNDS_MS,
    startedAtMs,
    inLoop: false,
  });
  // It turned once, and beat, five seconds ago.
  meter.mark(startedAtMs + 10, 0, startedAtMs + 1);
  meter.pace(startedAtMs + 5000);
  const data: Omit<SidecarData, 'control' | 'host'> = {
    options: { ...SIDECAR_OPTIONS, hang: { after: 2000, action: 'kill', signal: 'SIGABRT' } },
    watchdogId: 'one',
    loop,
    memory: {
      processState: allocate(PROCESS_STATE),
      ledger: allocate(LEDGER),
      interlock: new SharedArrayBuffer(INTERLOCK_BYTES),
    },
    pools: [],
    resourceTypes: [],
  };
  const killed: string[] = [];
  const host = { stall: async () => {}, warn: async () => {} } as unknown as Effects['host'];
  const effects: Effects = { now, host, kill: (signal) => killed.push(signal), endByForce: () => {} };
  const sidecar = createSidecar(data as SidecarData, effects);
  try {
    await vi.waitFor(() => expect(killed).toEqual(['SIGABRT']), 10_000);
    const { url } = await sidecar.ready();
    const health = await (await fetch(`${url}/healthz`)).json();
    expect(health).toMatchObject({ status: 'stalled', turns: 1 });
    const text = new TextDecoder().decode(await sidecar.metrics());
    expect(text).toMatch(
      /^watchdog_stall_seconds_total\{thread="main",cause="unknown"\} (?:[4-9]|[1-9]\d)\./m,
    );
  } finally {
    await sidecar.close();
  }
});
