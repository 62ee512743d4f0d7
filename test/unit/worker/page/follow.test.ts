import { beforeEach, expect, it } from 'vitest';
import { ApiError } from '../../../../worker/page/api.js';
import { type Following, follow } from '../../../../worker/page/follow.js';

let nowMs: number;
let asked: string[];
let told: string[];
/** The one timer, and what it was set to. */
let timer: { readonly callback: () => void; readonly ms: number } | undefined;
/** What the sidecar answers, by path. */
let answer: (path: string) => unknown;
let following: Following;

const status = (pid: number): unknown => ({ process: { pid, startedAt: 'then' } });
const history = (seq: number): unknown => ({ seq, at: [nowMs], series: {}, pools: [], stalls: [] });

beforeEach(() => {
  nowMs = 0;
  asked = [];
  told = [];
  timer = undefined;
  answer = (path) => (path === '/api/state' ? status(1) : history(7));
  following = follow(
    {
      async get<T>(path: string) {
        asked.push(path);
        return answer(path) as T;
      },
      post: () => Promise.reject(new Error('nothing is to be done')),
      blob: () => Promise.reject(new Error('nothing is to be saved')),
    },
    {
      another: () => told.push('another'),
      status: () => told.push('status'),
      points: ({ at }) => told.push(`${at.length} points`),
      lacking: (reason) => told.push(`lacking: ${reason}`),
      silent: (sinceMs, reason) => told.push(`silent since ${sinceMs}: ${reason ?? 'no answer'}`),
      refused: () => told.push('refused'),
    },
    {
      now: () => nowMs,
      later(callback, ms) {
        const mine = { callback, ms };
        timer = mine;
        return () => {
          if (timer === mine) timer = undefined;
        };
      },
    },
  );
});

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Lets the timer fire; @returns what it was set to */
async function next(): Promise<number | undefined> {
  await settled();
  const { callback, ms } = timer ?? {};
  nowMs += ms ?? 0;
  timer = undefined;
  callback?.();
  await settled();
  return ms;
}

it('asks each second, and for what is newer', async () => {
  following.resume();
  expect(await next()).toBe(1000);
  expect(asked).toEqual(['/api/state', '/api/history', '/api/state', '/api/history?since=7']);
  expect(told).toEqual(['status', '1 points', 'status', '2 points']);
});

it('asks on where the clock was set back while it waited', async () => {
  nowMs = 3_600_000;
  answer = (path) => {
    nowMs = 0;
    return path === '/api/state' ? status(1) : history(7);
  };
  following.resume();
  expect(await next()).toBe(1000);
});

it('asks for all when another process answers', async () => {
  following.resume();
  await settled();
  answer = (path) => (path === '/api/state' ? status(2) : history(9));
  await next();
  expect(asked.at(-1)).toBe('/api/history');
  expect(told).toEqual(['status', '1 points', 'another', 'status', '1 points']);
});

it('tells of silence, asks ever more rarely, and goes on when there is an answer', async () => {
  following.resume();
  await settled();
  const before = answer;
  answer = () => {
    throw new ApiError(0, 'No answer from the sidecar.');
  };
  const waits: (number | undefined)[] = [];
  for (let times = 0; times < 6; times++) waits.push(await next());
  expect(waits).toEqual([1000, 250, 500, 1000, 2000, 2000]);
  expect(told.at(-1)).toBe('silent since 0: no answer');
  answer = before;
  await next();
  // Those, and the gap between them.
  expect(told.at(-1)).toBe('3 points');
  expect(timer?.ms).toBe(1000);
});

it('asks no more where it is not let in, nor while it is paused', async () => {
  answer = () => {
    throw new ApiError(404, 'There is nothing at /api/state.');
  };
  following.resume();
  expect(await next()).toBeUndefined();
  expect(told).toEqual(['refused']);
  answer = () => status(1);
  following.resume();
  following.pause();
  await settled();
  expect([told, timer]).toEqual([['refused'], undefined]);
});

it('tells the state where the history does not come, each second', async () => {
  answer = (path) => {
    if (path === '/api/state') return status(1);
    throw new ApiError(503, 'Too many bytes wait.');
  };
  following.resume();
  expect(await next()).toBe(1000);
  expect(told).toEqual([
    'status',
    'lacking: Too many bytes wait.',
    'status',
    'lacking: Too many bytes wait.',
  ]);
});

it('takes nobody else for the sidecar', async () => {
  following.resume();
  await settled();
  answer = () => ({ hello: 'world' });
  await next();
  expect(told.at(-1)).toBe('silent since 0: What answers is no watchdog.');
  expect(await next()).toBe(250);
});
