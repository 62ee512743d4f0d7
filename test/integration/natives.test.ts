import { afterEach, describe, expect, it } from 'vitest';
import type { Stall } from '../../src/types.js';
import { type Child, killChildren, stallOver, startChild } from '../support/child.js';

afterEach(killChildren);

/** A deed that took less may be no stall: its size was found while a busy machine left it no CPU. */
const STALL_MS = 400;

/**
 * The stall in which the deed was done, by the app's own clock. Again if a busy machine kept the sidecar from
 * its look.
 */
async function stallBy(app: Child, deed: string): Promise<Stall> {
  for (let tries = 1; ; tries++) {
    app.send({ deed });
    const { fromMs, toMs } = await app.message<{ fromMs: number; toMs: number }>('did');
    if (toMs - fromMs < STALL_MS && tries < 5) continue;
    const isIt = ({ startedAt, durationMs }: Stall): boolean =>
      Date.parse(startedAt) < toMs && Date.parse(startedAt) + durationMs > (fromMs + toMs) / 2;
    let stall = await app.message<Stall>('stall');
    while (!isIt(stall)) stall = await app.message<Stall>('stall');
    if (stall.stacks[0]?.result === 'captured' || tries === 5) return stall;
  }
}

describe.runIf(process.platform === 'linux')(
  'native code is told in its caller, and what runs next is not blamed',
  () => {
    it.each([
      ['serializeObjects', 100],
      ['deserializeObjects', 100],
      ['parseText', 100],
      ['sortNumbers', 100],
      ['sortInside', 100],
      ['deriveKey', 100],
      ['hashBytes', 100],
      ['shellOut', 100],
      ['zipThenLoop', 100],
      // Each too short to be told on a busy machine.
      ['manyShort', 0],
      // Answers at once: it is not JavaScript all the same.
      ['callWasm', 0],
    ])('%s', async (deed, atLeastMs) => {
      const app = startChild('natives.mjs');
      await app.message('ready');
      const stall = await stallBy(app, deed);
      const all = JSON.stringify(stall);
      expect(stall.culprit?.function, all).toBe(deed);
      expect(stall.culprit?.code, all).toMatch(
        /bystander|serialize|parse|sort|pbkdf2Sync|update|digest|sleep|gzipSync|squeeze/,
      );
      // Where it got little of a CPU the look may have come late, or little be left.
      if ((stall.runQueueMs ?? 0) < stall.durationMs / 3)
        // What it made may have been collected most of the time.
        expect((stall.nativeMs ?? 0) + stall.gcMs, all).toBeGreaterThanOrEqual(atLeastMs);
      expect(stall.nativeMs ?? 0, all).toBeLessThan(stall.durationMs);
      const functions = stall.stacks.flatMap(({ frames }) => frames.map((frame) => frame.function));
      for (const innocent of ['bystander', 'of', 'later']) expect(functions, all).not.toContain(innocent);
    });

    it('and nobody is, where the caller is gone, too', async () => {
      const app = startChild('natives.mjs');
      await app.message('ready');
      app.send({ deed: 'nativeLast' });
      const stall = await stallOver(app, STALL_MS);
      const all = JSON.stringify(stall);
      expect(stall.culprit, all).toBeUndefined();
      if ((stall.runQueueMs ?? 0) < stall.durationMs / 3)
        expect(stall.stacks[0]?.nativeMs ?? 0, all).toBeGreaterThanOrEqual(100);
      for (const { result, frames } of stall.stacks)
        expect(result === 'captured', all).toBe(frames.length > 0);
    });
  },
);
