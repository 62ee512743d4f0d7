import { describe, expect, it } from 'vitest';
import { mergeSamples } from '../../../../worker/captures/hot.js';
import type { StallSample } from '../../../../worker/captures/samples.js';
import { fingerprintOf } from '../../../../worker/reports/fingerprint.js';

type Seen = readonly [name: string, line: number, file?: string];

/** A sample every 50 ms, unless it says otherwise; its stack innermost first. */
function samplesOf(
  rows: readonly { stack: readonly Seen[]; forMs?: number; nativeMs?: number }[],
): StallSample[] {
  let atMs = 200;
  return rows.map(({ stack, forMs = 50, nativeMs }) => {
    const sites = stack.map(([name, line, file = '/app/a.js']) => ({
      frame: { function: name, file, line, column: 1, internal: file.startsWith('node:') },
      fn: `${file} ${name}`,
    }));
    const askedMs = atMs;
    atMs += forMs;
    return {
      atMs: askedMs,
      result: 'captured',
      frames: sites.map(({ frame }) => frame),
      sites,
      askedMs,
      seenMs: askedMs + (nativeMs ?? 0),
      forMs,
      ...(nativeMs !== undefined && { nativeMs }),
    };
  });
}
const many = (count: number, stack: readonly Seen[]) => Array.from({ length: count }, () => ({ stack }));
const merge = (rows: Parameters<typeof samplesOf>[0], collecting = (_from: number, _to: number) => 0) =>
  mergeSamples(samplesOf(rows), collecting);
const told = ({ hot }: ReturnType<typeof merge>) =>
  hot.map(({ frame, share }) => [frame.function, frame.line, share]);

describe('the samples of a stall, put together,', () => {
  it('blame what took most of its time, and not what was seen first', () => {
    const merged = merge([...many(6, [['parseHeader', 3]]), ...many(40, [['renderInvoice', 41]])]);
    expect(told(merged)).toEqual([
      ['renderInvoice', 41, 0.87],
      ['parseHeader', 3, 0.13],
    ]);
  });

  it('count for as long as they stand for, since they come ever more rarely', () => {
    const merged = merge([...many(20, [['early', 1]]), { stack: [['late', 2]], forMs: 9000 }]);
    expect(told(merged)).toEqual([
      ['late', 2, 0.9],
      ['early', 1, 0.1],
    ]);
  });

  it('take a function that was seen at several lines for one, at its hottest', () => {
    const merged = merge([
      ...many(2, [['work', 10]]),
      ...many(3, [['work', 12]]),
      ...many(4, [['other', 20]]),
    ]);
    expect(told(merged)).toEqual([
      ['work', 12, 0.556],
      ['other', 20, 0.444],
    ]);
  });

  it("tell of a dependency only where nothing of the app's own is on the stack", () => {
    const lib = '/app/node_modules/lib/index.js';
    const merged = merge([
      ...many(3, [
        ['parse', 5, lib],
        ['load', 1],
      ]),
      ...many(1, [['timer', 9, lib]]),
      ...many(1, [['processTimers', 1, 'node:internal/timers']]),
    ]);
    expect(told(merged)).toEqual([
      ['load', 1, 0.6],
      ['timer', 9, 0.2],
    ]);
  });

  it('tell native code from JavaScript, and what collections explain from both', () => {
    const rows = [
      ...many(2, [['loop', 1]]),
      { stack: [['parse', 2]] as const, nativeMs: 30 },
      { stack: [['fill', 3]] as const, nativeMs: 30 },
    ];
    expect(merge(rows).nativeMs).toBe(100);
    // The second wait lay within one collection.
    expect(merge(rows, (from) => (from > 320 ? 30 : 0)).nativeMs).toBe(50);
    // One answer of twenty may be late because the machine is busy.
    expect(merge([...many(19, [['loop', 1]]), { stack: [['loop', 1]] as const, nativeMs: 3 }]).nativeMs).toBe(
      0,
    );
  });

  it('show a handful of stacks, the first among them, in order', () => {
    const rows = Array.from({ length: 100 }, (_, i) => ({ stack: [[`f${i}`, i]] as const, forMs: i }));
    const { stacks, hot } = merge(rows);
    expect(stacks.map(({ frames }) => frames[0]?.function)).toEqual([
      'f0',
      'f95',
      'f96',
      'f97',
      'f98',
      'f99',
    ]);
    expect(Object.keys(stacks[0] as object).sort()).toEqual(['atMs', 'frames', 'result']);
    expect(hot).toHaveLength(10);
  });

  it('have one fingerprint, however many there are, and however deep a recursion was met', () => {
    const stackOf = (depth: number): readonly Seen[] => [
      ...Array.from({ length: depth }, (_, i): Seen => ['walk', i % 3]),
      ['handle', 7],
      ['main', 8],
    ];
    const print = (rows: Parameters<typeof samplesOf>[0]) =>
      fingerprintOf({ thread: 'main', cause: 'cpu', path: merge(rows).path });
    const one = print([{ stack: stackOf(1) }]);
    expect(print([...many(7, stackOf(5)), ...many(30, stackOf(2)), ...many(10, [['warm', 1]])])).toBe(one);
    expect(print(many(7, [['warm', 1]]))).not.toBe(one);
  });

  it('are nothing, if there is none', () => {
    expect(merge([])).toEqual({ hot: [], samples: 0, nativeMs: 0, requests: [], stacks: [], path: [] });
  });
});
