import { expect, it } from 'vitest';
import type { Ask } from '../../../../src/command/client.js';
import { CommandError } from '../../../../src/command/error.js';
import { createProcesses } from '../../../../src/command/processes.js';
import { statusOf } from '../../../support/status.js';

const BASE = new URL('http://shop-1:9464');
const targetAt = (address: string, pid: string, more: object = {}) => ({
  targets: [address],
  labels: { __meta_watchdog_app: 'shop', __meta_watchdog_pid: pid, ...more },
});

/** A host whose answers a test changes, by origin and path. */
function host() {
  const answers: Record<string, unknown> = {};
  const asked: string[] = [];
  let nowMs = 0;
  const ask: Ask = async ({ origin }, { path }) => {
    asked.push(origin + path);
    const answer = answers[origin + path];
    if (answer === 'never') return new Promise(() => {});
    if (answer === 'too late') {
      nowMs += 5000;
      throw new CommandError('no answer, and much more to say');
    }
    if (answer instanceof Error) throw answer;
    if (answer === undefined) throw new CommandError('nothing there', 1, 404);
    return { status: 200, headers: {}, body: JSON.stringify(answer) };
  };
  const wait = (ms: number): void => {
    nowMs += ms;
  };
  return { answers, asked, wait, processes: createProcesses(BASE, ask, () => nowMs) };
}

it('all processes are asked at the host that was, whatever host the list names', async () => {
  const { answers, processes } = host();
  answers['http://shop-1:9464/sd'] = [
    targetAt('elsewhere.example:9464', '1'),
    targetAt('[::1]:9465', '2', { __scheme__: 'https', worker: '1' }),
  ];
  answers['http://shop-1:9464/api/state'] = statusOf();
  answers['https://shop-1:9465/api/state'] = statusOf();
  await processes.list();
  await processes.look();
  const seen = processes
    .now()
    .map(({ url, pid, worker, status }) => [url.origin, pid, worker, status?.loops.length]);
  expect(seen).toEqual([
    ['http://shop-1:9464', '1', undefined, 1],
    ['https://shop-1:9465', '2', '1', 1],
  ]);
});

it('one that ends does not take the list along, nor does an old version', async () => {
  const { answers, processes } = host();
  const both = [targetAt('x:9464', '1'), targetAt('x:9465', '2')];
  answers['http://shop-1:9464/sd'] = both;
  await processes.list();
  await processes.look();
  expect(processes.now()[0]?.trouble).toBe('an older version, or one with another token');
  delete answers['http://shop-1:9464/sd'];
  answers['http://shop-1:9465/sd'] = both.slice(1);
  await processes.list();
  expect(processes.now().map(({ pid }) => pid)).toEqual(['2']);
  delete answers['http://shop-1:9465/sd'];
  await expect(processes.list()).rejects.toThrow('nothing there');
  expect(processes.now()).toHaveLength(1);
});

it('one that does not answer is silent, and asked once', async () => {
  const { answers, asked, processes, wait } = host();
  answers['http://shop-1:9464/sd'] = [targetAt('x:9464', '1')];
  answers['http://shop-1:9464/api/state'] = 'never';
  await processes.list();
  void processes.look();
  void processes.look();
  wait(2000);
  expect(processes.now()[0]?.trouble).toBeUndefined();
  wait(2000);
  expect(processes.now()[0]?.trouble).toBe('no answer for 4 s');
  expect(asked.filter((one) => one.endsWith('/api/state'))).toHaveLength(1);
});

it('one that was given up is silent until it answers', async () => {
  const { answers, processes, wait } = host();
  answers['http://shop-1:9464/sd'] = [targetAt('x:9464', '1')];
  answers['http://shop-1:9464/api/state'] = 'too late';
  await processes.list();
  await processes.look();
  expect(processes.now()[0]?.trouble).toBe('no answer for 5 s');
  wait(1000);
  await processes.look();
  expect(processes.now()[0]?.trouble).toBe('no answer for 11 s');
  answers['http://shop-1:9464/api/state'] = statusOf();
  await processes.look();
  expect(processes.now()[0]?.trouble).toBeUndefined();
});

it.each([[{}], [[{ labels: {} }]], ['text']])('%j is no list of processes', async (answer) => {
  const { answers, processes } = host();
  answers['http://shop-1:9464/sd'] = answer;
  await expect(processes.list()).rejects.toThrow(/^What answers at http:\/\/shop-1:9464 is no watchdog/);
});

it.each([[[]], [[{ targets: [7] }]], [[{ targets: ['x:1'], labels: { __meta_watchdog_app: {} } }]]])(
  'a list like %j is none of a watchdog',
  async (list) => {
    const { answers, processes } = host();
    answers['http://shop-1:9464/sd'] = list;
    await expect(processes.list()).rejects.toThrow(/is no watchdog/);
  },
);
