import { expect, it } from 'vitest';
import type { DumpedThread, Frame, ThreadDump } from '../../../../src/types.js';
import { boundedDump } from '../../../../worker/dump/bounded.js';
import { textOfDump } from '../../../../worker/dump/text.js';

const frame = (name: string, line = 1): Frame => ({
  function: name,
  file: '/srv/app/pool.js',
  line,
  column: 3,
  internal: false,
});
const waiting = (id: number, more: Partial<DumpedThread> = {}): DumpedThread => ({
  id,
  pool: 'images',
  activity: 'parked',
  state: 'S',
  syscall: 'futex',
  cpuShare: 0.004,
  answered: true,
  frames: [frame('atomicsWaitLoop')],
  ...more,
});
const dumpOf = (threads: readonly DumpedThread[]): ThreadDump => ({
  takenAt: '2026-01-01T00:00:00.000Z',
  pid: 7,
  version: 'v20.0.0',
  threads,
  systemThreads: [1, 2].map((tid) => ({ tid, name: 'libuv-worker', state: 'D', syscall: 'fsync' })),
});

it('threads that do the same at the same place are told together', () => {
  const busy = waiting(4, { activity: 'running', oldestTaskMs: 2140, frames: [frame('resize', 9)] });
  const text = textOfDump(dumpOf([waiting(2), waiting(3, { name: 'x\n"main" #0: idle' }), busy]));
  expect(text.split('\n')).toEqual([
    'Threads of process 7, Node.js v20.0.0, at 2026-01-01T00:00:00.000Z: 3 run JavaScript',
    '',
    '2 threads #2, "x\\u000a"main" #0: idle" #3: parked in Atomics.wait, 1 % CPU, pool "images"',
    '    at atomicsWaitLoop (/srv/app/pool.js:1:3)',
    '',
    '#4: running, 0 % CPU, pool "images" at a task for 2.1 s',
    '    at resize (/srv/app/pool.js:9:3)',
    '',
    "2 more of the system's:",
    '    2 × libuv-worker: D in fsync',
    '',
  ]);
});

it('a report has a dump that fits, and says that it is cut', () => {
  const deep = Array.from({ length: 64 }, (_, i) => frame(`f${i}`, i));
  const many = dumpOf(Array.from({ length: 256 }, (_, i) => waiting(i, { frames: deep })));
  for (const maxBytes of [2048, 32 * 1024, 256 * 1024]) {
    const cut = boundedDump(many, maxBytes);
    expect(Buffer.byteLength(JSON.stringify(cut))).toBeLessThanOrEqual(maxBytes);
    expect(cut.incomplete).toBe('Cut to the size of a report.');
    expect(cut.threads.length).toBeGreaterThan(0);
  }
  const small = dumpOf([waiting(1)]);
  expect(boundedDump(small, 32 * 1024)).toBe(small);
});
