import { afterEach, expect, it, vi } from 'vitest';
import { createResourceSampler } from '../../../../src/loop/resources.js';
import { RESOURCES } from '../../../../src/shared/layout.js';
import { allocate, openReader } from '../../../../src/shared/regions.js';

afterEach(() => vi.restoreAllMocks());

/** A loop whose resources take so long to list. */
function sampled(count: number, tookMs: number) {
  const memory = allocate(RESOURCES);
  const read = openReader(RESOURCES, memory);
  let nowMs = 10_000;
  const lists = vi.spyOn(process, 'getActiveResourcesInfo').mockImplementation(() => {
    nowMs += tookMs;
    return new Array<string>(count).fill('Timeout');
  });
  const sampler = createResourceSampler(memory, () => {});
  return {
    read,
    /** Samples ten times a second for so long; returns how often the resources were listed. */
    run(ms: number): number {
      lists.mockClear();
      for (const until = nowMs + ms; nowMs < until; nowMs += 100) sampler.sample(nowMs, false, () => nowMs);
      return lists.mock.calls.length;
    },
  };
}

it('counts once a second', () => {
  const { run, read } = sampled(3, 0.01);
  expect(run(10_000)).toBe(10);
  expect(read().counts[0]).toBe(3);
});

it('counts less often what takes its time: a millisecond a second at most', () => {
  expect(sampled(3000, 8).run(80_000)).toBe(10);
  // It may have lost its CPU meanwhile: no reason to stop.
  expect(sampled(3, 50).run(100_000)).toBe(2);
});

it('counts no more, and says so, when that holds the loop', () => {
  const { run, read } = sampled(1_000_000, 150);
  expect(run(3_600_000)).toBe(1);
  expect(read().countedAtMs).toBe(0);
});
