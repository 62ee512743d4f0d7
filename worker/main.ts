import { workerData } from 'node:worker_threads';
import { expose, type Remote, transferHandlers, wrap } from 'comlink';
import { now, wallClockOf } from '../src/shared/clock.js';
import { carryErrorCodes, endpointOf } from '../src/shared/endpoint.js';
import { latenessOf, stallOf } from '../src/shared/lateness.js';
import { HEART, HOUSE, LEDGER, openReader, RING } from '../src/shared/layout.js';
import type { Control, Host, SidecarData } from '../src/shared/protocol.js';
import { createRoutes } from './http/routes.js';
import { startServer } from './http/server.js';
import { openLedger } from './ledger.js';
import { newCollectorErrors, renderMetrics } from './metrics/render.js';
import { PoolView } from './pools.js';
import { createRelay } from './relay.js';
import { createStallAccount } from './stalls/account.js';
import { nextLookMs, startWatch } from './watch.js';

const data = workerData as SidecarData;
const { options } = data;
carryErrorCodes(transferHandlers);

const readHeart = openReader(HEART, data.memory.heart);
const readRing = openReader(RING, data.memory.ring);
const readHouse = openReader(HOUSE, data.memory.house);
const ledger = openLedger(LEDGER, data.memory.ledger);
const account = createStallAccount(ledger, options.stallThreshold);
const pools = new Map(data.pools.map((entry) => [entry.id, new PoolView(entry)]));
const collectorErrors = newCollectorErrors();
let resourceTypes = data.resourceTypes;

const host: Remote<Host> = wrap<Host>(endpointOf(data.host));
const relay = options.relay
  ? createRelay({ fetch: () => host.relay(), now, onError: () => countError('relay') })
  : undefined;
if (relay) collectorErrors.set('relay', 0);

function countError(collector: string): void {
  collectorErrors.set(collector, (collectorErrors.get(collector) ?? 0) + 1);
}

/** Brings every account up to date with this moment. */
function observe(nowMs: number) {
  const heart = readHeart();
  const finished = account.observe(nowMs, heart, readRing, () => 'unknown');
  for (const stall of finished) {
    host
      .stall({
        id: `main-${stall.turn}`,
        thread: 'main',
        cause: stall.cause,
        startedAt: new Date(wallClockOf(stall.startMs)).toISOString(),
        durationMs: stall.durationMs,
      })
      .catch(() => {}); // Main is gone, and the stall is counted.
  }
  return heart;
}

const watch = startWatch(now, (nowMs) => {
  const heart = observe(nowMs);
  for (const pool of pools.values()) pool.look(nowMs, heart);
  return nextLookMs(now(), heart, options.stallThreshold);
});

async function metrics(scrapeTimeoutMs?: number): Promise<string> {
  const before = readHeart();
  const blocked = latenessOf(now(), before.dueMs, before.lastMarkMs) >= options.stallThreshold;
  await relay?.refresh(blocked || before.loopStartedAtMs === 0, scrapeTimeoutMs);
  const nowMs = now();
  const text = await renderMetrics(
    {
      nowMs,
      heart: observe(nowMs),
      house: readHouse(),
      resourceTypes,
      ledger,
      pools: [...pools.values()],
      options,
      sidecarLagMaxMs: watch.lagMaxMs(nowMs),
      collectorErrors,
      relayAgeMs: relay?.ageMs(nowMs),
      relayDropped: relay?.dropped,
    },
    collectorErrors,
  );
  return relay?.text() ? `${text}\n${relay.text()}` : text;
}

const server = startServer(
  createRoutes({
    metrics,
    health() {
      const nowMs = now();
      const heart = readHeart();
      const lateMs = latenessOf(nowMs, heart.dueMs, heart.lastMarkMs);
      const stalled = stallOf(nowMs, heart) >= options.stallThreshold;
      return {
        status: heart.loopStartedAtMs === 0 ? 'starting' : stalled ? 'stalled' : 'ok',
        lagSeconds: lateMs / 1000,
        uptimeSeconds: (nowMs - heart.startedAtMs) / 1000,
        turns: heart.turns,
      };
    },
  }),
  options.port,
  options.host,
);

const control: Control = {
  ready: () => server.ready,
  setPool(entry) {
    const known = pools.get(entry.id);
    if (known) known.update(entry);
    else pools.set(entry.id, new PoolView(entry));
  },
  removePool: (id) => void pools.delete(id),
  setResourceTypes(names) {
    resourceTypes = names;
  },
  metrics: () => metrics(),
  async close() {
    watch.stop();
    await server.close();
  },
};
expose(control, endpointOf(data.control));
