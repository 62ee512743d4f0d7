import { afterEach, expect, it, vi } from 'vitest';
import { INTERLOCK_BYTES, LOOKING } from '../../../../src/shared/exit-interlock.js';
import { createInspector, type Inspector } from '../../../../worker/captures/client.js';

const open: Inspector[] = [];
afterEach(() => {
  for (const inspector of open.splice(0)) inspector.close();
});

/** An inspector whose thread runs this program instead of its own. */
function inspectorOf(program: string): { inspector: Inspector; marks: Int32Array } {
  Object.assign(globalThis, {
    __INSPECTOR_SOURCE__: `const { parentPort, workerData } = require('node:worker_threads');${program}`,
  });
  const marks = new Int32Array(new SharedArrayBuffer(INTERLOCK_BYTES));
  const inspector = createInspector({
    whyNot: () => undefined,
    onThreadEnd() {},
    interlock: marks.buffer as SharedArrayBuffer,
    sourceLines: true,
    context: true,
    entry: undefined,
  });
  open.push(inspector);
  return { inspector, marks };
}
const MAIN = { threadId: 0, loop: undefined, taskDirectory: undefined };
const STACK = { target: MAIN, turn: undefined, deadlineMs: 60_000 };
const FAILED = { result: 'failed', frames: [], costMs: 0 };
/** Notes that it looks, as the real one does. */
const LOOK = `Atomics.store(new Int32Array(workerData.interlock), ${LOOKING}, 1);`;

it.each([
  ['ends', `parentPort.on('message', () => { ${LOOK} process.exit(1); })`],
  ['throws', `parentPort.on('message', () => { ${LOOK} throw new Error('no'); })`],
  [
    'runs out of memory',
    `parentPort.on('message', () => { ${LOOK} for (const all = []; ; ) all.push(new Array(1e5).fill(all.length)); })`,
  ],
  ['does not compile', 'const const'],
])('a thread that %s has failed; the next look has another, and the process may end', async (_, program) => {
  const { inspector, marks } = inspectorOf(program);
  for (let i = 0; i < 2; i++) {
    expect(await inspector.stack(STACK)).toEqual(FAILED);
    expect(Atomics.load(marks, LOOKING)).toBe(0);
  }
});

it.each([
  ['in a loop', 'for (;;);'],
  ['in silence', ''],
])('a thread that hangs %s has failed at the deadline', async (_, deed) => {
  const { inspector, marks } = inspectorOf(`parentPort.on('message', () => { ${LOOK} ${deed} })`);
  expect(await inspector.profile({ target: MAIN, durationMs: 10, deadlineMs: 100 })).toEqual({
    result: 'failed',
  });
  await vi.waitFor(() => expect(Atomics.load(marks, LOOKING)).toBe(0), 30_000);
});

it('what was seen is told though mapping it failed', async () => {
  const seen = {
    result: 'captured',
    frames: [{ function: 'f', file: 'a.js', line: 1, column: 1, internal: false }],
    costMs: 1,
  };
  const { inspector } = inspectorOf(
    `parentPort.on('message', ({ id }) => { parentPort.postMessage({ id, seen: ${JSON.stringify(seen)} }); setTimeout(() => process.exit(1), 10); })`,
  );
  expect(await inspector.stack(STACK)).toEqual(seen);
});

it('news of a stall that is followed are told as they come, until it is let go', async () => {
  const { inspector } = inspectorOf(
    `parentPort.on('message', ({ id, request, release }) => {
      if (request) for (const costMs of [1, 2]) parentPort.postMessage({ id, news: { sample: { costMs }, sites: new Map() } });
      if (release) parentPort.postMessage({ id, answer: { result: 'captured' } });
    })`,
  );
  const costs: (number | undefined)[] = [];
  const request = { target: MAIN, turn: 7, startMs: 0, budgetMs: 100, deadlineMs: 60_000 };
  const following = inspector.follow(request, ({ sample }) => costs.push(sample?.costMs));
  await vi.waitFor(() => expect(costs).toEqual([1, 2]), 30_000);
  following.release();
  expect(await following.over).toBe('captured');
});

it('looks go side by side, each with its own answer', async () => {
  const { inspector } = inspectorOf(
    `const asked = []; parentPort.on('message', ({ id }) => {
      if (asked.push(id) < 2) return;
      for (const id of asked.reverse()) parentPort.postMessage({ id, answer: { costMs: id } });
    })`,
  );
  const answers = [inspector.stack(STACK), inspector.stack(STACK)];
  expect(await Promise.all(answers)).toEqual([{ costMs: 1 }, { costMs: 2 }]);
});

it('a thread with nothing to look at ends after a minute, and not before', async () => {
  const { inspector } = inspectorOf(
    `let looks = 0; parentPort.on('message', ({ id }) => parentPort.postMessage({ id, answer: { result: 'captured', frames: [], costMs: ++looks } }))`,
  );
  const looks = async (): Promise<number> => (await inspector.stack(STACK)).costMs;
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  try {
    expect(await looks()).toBe(1);
    vi.advanceTimersByTime(59_000);
    expect(await looks()).toBe(2);
    vi.advanceTimersByTime(60_000);
    expect(await looks()).toBe(1);
  } finally {
    vi.useRealTimers();
  }
});
