import { expect, it } from 'vitest';
import { toCpuProfile } from '../../../../worker/captures/cpu-profile.js';
import type { StallSample } from '../../../../worker/captures/samples.js';
import { type CpuProfile, expectSoundProfile, selfTimes } from '../../../support/cpu-profile.js';

const STALL = { startMs: 1000, durationMs: 2000 };

function sampleOf(seenMs: number, names: readonly string[], nativeMs?: number, line = 7): StallSample {
  const sites = names.map((name) => ({
    frame: { function: name, file: '/app/a.ts', line, column: 3, internal: false },
    fn: name,
  }));
  const askedMs = seenMs - (nativeMs ?? 0);
  const times = {
    atMs: askedMs - 1000,
    askedMs,
    seenMs,
    forMs: 100,
    ...(nativeMs !== undefined && { nativeMs }),
  };
  return { ...times, result: 'captured', frames: sites.map(({ frame }) => frame), sites };
}
function profileOf(
  samples: readonly StallSample[],
  collecting = (_from: number, _to: number) => 0,
): CpuProfile {
  const profile = JSON.parse(String(toCpuProfile(samples, STALL, collecting))) as CpuProfile;
  expectSoundProfile(profile);
  return profile;
}

it('shows each function for as long as its samples stand for, native code and collections apart', () => {
  const samples = [
    sampleOf(1300, ['hot', 'main']),
    sampleOf(1400, ['warm', 'main'], undefined, 9),
    sampleOf(1500, ['hot', 'main'], undefined, 8),
    sampleOf(1600, ['parse', 'main'], 80),
    sampleOf(1700, ['fill', 'main'], 60),
  ];
  const profile = profileOf(samples, (from) => (from > 1600 ? 60 : 0));
  expect(Object.fromEntries(selfTimes(profile))).toEqual({
    hot: 200_000,
    warm: 100_000,
    '(native)': 100_000,
    fill: 40_000,
    '(garbage collector)': 60_000,
    '(idle)': 1_300_000,
  });
  // From the stall's start: what was before the first sample nobody saw.
  expect(profile.timeDeltas[0]).toBe(200_000);
  expect(profile.endTime - profile.startTime).toBe(2_000_000);
  const named = (name: string) => profile.nodes.filter(({ callFrame }) => callFrame.functionName === name);
  expect(named('main')).toHaveLength(1);
  expect(named('hot')).toHaveLength(1);
  expect(named('hot')[0]?.callFrame).toMatchObject({
    url: 'file:///app/a.ts',
    lineNumber: 6,
    columnNumber: 2,
  });
  // What is native is under who called it.
  expect(named('parse')[0]?.children).toEqual([named('(native)')[0]?.id]);
});

it('is not longer than 128 KiB, whatever the stacks: the innermost frames are kept', () => {
  const names = (n: number) => Array.from({ length: 64 }, (_, depth) => `${'x'.repeat(200)}${n}_${depth}`);
  const samples = Array.from({ length: 100 }, (_, n) => sampleOf(1100 + n, names(n)));
  const profile = profileOf(samples);
  expect(JSON.stringify(profile).length).toBeLessThanOrEqual(128 * 1024);
  const functions = profile.nodes.map(({ callFrame }) => callFrame.functionName);
  for (const n of [0, 99]) expect(functions).toContain(names(n)[0]);
});

it('is none without an answer', () => {
  const { seenMs, ...unanswered } = sampleOf(1300, []);
  expect(toCpuProfile([{ ...unanswered, result: 'unanswered' }], STALL, () => 0)).toBeUndefined();
  expect(toCpuProfile([], STALL, () => 0)).toBeUndefined();
});
