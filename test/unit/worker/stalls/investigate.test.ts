import { expect, it } from 'vitest';
import { GC } from '../../../../src/shared/layout.js';
import { allocate, openReader } from '../../../../src/shared/regions.js';
import type { Stall } from '../../../../src/shared/stall.js';
import type { Inspector } from '../../../../worker/captures/client.js';
import type { FollowNews } from '../../../../worker/inspector/messages.js';
import { createInvestigator } from '../../../../worker/stalls/investigate.js';
import { createVirtualLoop } from '../../../support/virtual-loop.js';

it('what was seen of a stall is kept when the pacer beats in its turn, which ends later', () => {
  const loop = createVirtualLoop();
  const told: Stall[] = [];
  let news: ((news: FollowNews) => void) | undefined;
  let released = false;
  const inspector: Partial<Inspector> = {
    unavailable: undefined,
    prepare() {},
    follow(_request, onNews) {
      news = onNews;
      return {
        over: new Promise(() => {}),
        release() {
          released = true;
        },
      };
    },
  };
  const investigator = createInvestigator({
    name: 'main',
    stallThresholdMs: 100,
    captureAfterMs: 200,
    ledger: loop.ledger,
    now: loop.now,
    readStats: loop.read,
    readRing: loop.readRing,
    readGc: openReader(GC, allocate(GC)),
    thread: { times: () => undefined, state: () => ({ state: 'R' }) },
    suspendedBetween: () => ({ surelyMs: 0, likelyMs: 0 }),
    inspector: inspector as Inspector,
    mains: undefined,
    target: { threadId: 0, loop: undefined, taskDirectory: undefined },
    onCapture: () => {},
    onUnavailable: () => {},
    idPrefix: '1',
    onBegin: () => {},
    onEnd: (stall) => told.push(stall),
  });
  const poll = (): unknown => investigator.observe(loop.now(), loop.read());

  loop.busy(1);
  loop.idle(50);
  for (let i = 0; i < 10; i++) {
    loop.pass(50);
    poll();
  }
  const frame = { function: 'spin', file: '/a.js', line: 1, column: 1, internal: false };
  const at = { index: 0, atMs: 200, seenMs: loop.now(), costMs: 1 };
  news?.({ sample: { ...at, result: 'captured', stack: [0] }, sites: new Map([[0, { frame, fn: 'spin' }]]) });

  // Timers run in the turn: the pacer's, too, and main loses its CPU before the turn is over.
  loop.meter.pace(loop.now());
  expect(poll()).toBeUndefined();
  expect(released).toBe(false);
  loop.pass(20);
  loop.mark();
  poll();
  expect(released).toBe(true);
  loop.idle(5000);
  poll();
  expect(told).toMatchObject([{ culprit: { function: 'spin' }, state: 'R', samples: 1 }]);
});
