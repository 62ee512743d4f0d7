import { expect } from 'vitest';

/** What is read of a `.cpuprofile`. */
export interface CpuProfile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: {
      readonly functionName: string;
      readonly scriptId: string;
      readonly url: string;
      readonly lineNumber: number;
      readonly columnNumber: number;
    };
    readonly hitCount: number;
    readonly children?: readonly number[];
  }[];
  readonly startTime: number;
  readonly endTime: number;
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

/**
 * What Chrome DevTools and speedscope take for granted: one root, of which all nodes are descendants, each
 * once; samples of these nodes alone; a delta for each, none negative, that lie within start and end.
 */
export function expectSoundProfile(profile: CpuProfile): void {
  const { nodes, samples, timeDeltas, startTime, endTime } = profile;
  const ids = nodes.map(({ id }) => id);
  expect(new Set(ids).size).toBe(ids.length);
  const children = nodes.flatMap((node) => node.children ?? []);
  expect(children.toSorted((a, b) => a - b)).toEqual(ids.slice(1).toSorted((a, b) => a - b));
  expect(nodes[0]?.callFrame.functionName).toBe('(root)');
  for (const { id, callFrame, hitCount } of nodes) {
    expect(callFrame).toEqual({
      functionName: expect.any(String),
      scriptId: expect.any(String),
      url: expect.any(String),
      lineNumber: expect.any(Number),
      columnNumber: expect.any(Number),
    });
    expect(hitCount).toBe(samples.filter((sample) => sample === id).length);
  }
  expect(samples.length).toBeGreaterThan(0);
  expect(samples.filter((id) => !ids.includes(id))).toEqual([]);
  expect(timeDeltas).toHaveLength(samples.length);
  for (const delta of timeDeltas) expect(Number.isInteger(delta) && delta >= 0, String(delta)).toBe(true);
  const lastMs = startTime + timeDeltas.reduce((sum, delta) => sum + delta, 0);
  expect(endTime).toBeGreaterThanOrEqual(lastMs);
}

/** Microseconds by function, as viewers add them up: a sample lasts until the next. */
export function selfTimes({
  nodes,
  samples,
  timeDeltas,
  endTime,
  startTime,
}: CpuProfile): Map<string, number> {
  const names = new Map(nodes.map(({ id, callFrame }) => [id, callFrame.functionName]));
  const times = new Map<string, number>();
  const all = timeDeltas.reduce((sum, delta) => sum + delta, 0);
  for (const [index, id] of samples.entries()) {
    const us = timeDeltas[index + 1] ?? endTime - startTime - all;
    const name = names.get(id) as string;
    times.set(name, (times.get(name) ?? 0) + us);
  }
  return times;
}
