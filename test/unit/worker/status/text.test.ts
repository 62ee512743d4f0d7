import { expect, it } from 'vitest';
import { isPrintable } from '../../../../src/shared/printable.js';
import type { Stall } from '../../../../src/shared/stall.js';
import type { Status } from '../../../../src/shared/status.js';
import { textOfIndex, textOfStatus } from '../../../../worker/status/text.js';

const STATUS: Status = {
  at: '2026-01-01T02:10:00.000Z',
  sentence: 'The event loop turns.',
  process: {
    app: 'shop',
    pid: 4711,
    nodeVersion: 'v22.12.0',
    watchdogVersion: '0.1.0',
    startedAt: '2026-01-01T00:00:00.000Z',
    residentBytes: 84_000_000,
    sidecarRestarts: 1,
  },
  loops: [
    {
      thread: 'main',
      state: 'turning',
      lagMs: 0,
      lagMaxMs: 312.5,
      turns: 12,
      utilization: 0.02,
      stalls: 3,
      stallSeconds: 1.2,
      heap: { usedBytes: 35_000_000, totalBytes: 50_000_000, limitBytes: 4_345_000_000 },
    },
  ],
  pools: [
    { name: 'images', capacity: 4, active: 3, queued: 2, completed: 120, threads: 4, oldestTaskMs: 3210 },
    { name: 'pg' },
  ],
  threadpool: { size: 4, queueDelayMs: 0.31 },
  settings: { heartbeatInterval: 100, stallThreshold: 100 },
};
const STALL: Stall = {
  id: '4711-a-12',
  thread: 'main',
  cause: 'cpu',
  startedAt: '2026-01-01T02:00:00.000Z',
  durationMs: 3020,
  gcMs: 0,
  suspendedMs: 0,
  culprit: { function: 'render', file: '/srv/app.js', line: 41, column: 3, internal: false },
  requests: [{ name: 'GET /report', samples: 3 }],
  fingerprint: 'f',
  stacks: [],
};

it('tells a terminal what the page tells', () => {
  const [facts] = textOfStatus(STATUS, [STALL]).split('\nRoutes\n');
  expect(facts).toBe(`\
The event loop turns.

shop, process 4711, Node.js v22.12.0, event-loop-watchdog 0.1.0, up 2 h 10 min, 80 MiB resident, sidecar replaced \
once, at 2026-01-01T02:10:00.000Z

Event loops
  main: turning, late by 0.0 ms, at most 313 ms in the last minute, 2 % utilised, 3 stalls (1.2 s), heap 33 MiB of \
4.0 GiB

Pools
  images: 3 of 4 active, 2 queued, 120 finished, 4 threads, oldest task 3.2 s
  pg: nothing is known of it

libuv's pool
  4 threads, the latest task waited 0.3 ms for one

Latest stalls
  2026-01-01T02:00:00.000Z  4711-a-12  3.0 s (cpu) in render /srv/app.js:41, request GET /report
  What was known of those before went with the sidecar that was replaced.
`);
});

it('tells no figures of a loop that has not turned yet', () => {
  const loops = STATUS.loops.map(({ heap, utilization, ...loop }) => ({
    ...loop,
    state: 'starting' as const,
    lagMs: 0,
    lagMaxMs: 0,
    stalls: 0,
    stallSeconds: 0,
  }));
  expect(textOfStatus({ ...STATUS, loops }, [])).toContain('\n  main: starting, 0 stalls (0.0 ms)\n');
});

it('counts in words as people do', () => {
  const loops = STATUS.loops.map((loop) => ({ ...loop, stalls: 1 }));
  expect(textOfStatus({ ...STATUS, loops }, [])).toContain(', 1 stall (1.2 s), ');
});

it('has a line for each thing, whatever the app calls them', () => {
  const evil = 'x\n\u001b[2J\u2028\u202ey';
  const stall = { ...STALL, requests: [{ name: evil, samples: 1 }] };
  const lines = (text: string): number => text.split('\n').length;
  const hostile: Status = {
    ...STATUS,
    process: { ...STATUS.process, app: evil },
    pools: STATUS.pools.map((pool) => ({ ...pool, name: evil })),
  };
  const text = textOfStatus(hostile, [stall]);
  expect(lines(text)).toBe(lines(textOfStatus(STATUS, [STALL])));
  expect(text.split('\n').filter((line) => !isPrintable(line))).toEqual([]);
});

it('tells strangers which routes are open, and nothing else', () => {
  expect(textOfIndex()).toBe(`\
event-loop-watchdog

GET /metrics  metrics for Prometheus
GET /livez    whether a restart would help
GET /readyz   whether it should get work
GET /healthz  its state in short, as JSON

The other routes, and the status page here, are for this host, or for who has the token.
`);
});
