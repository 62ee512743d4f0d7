// Ways to keep the main thread for a while, each as apps do it by mistake.
import { execSync } from 'node:child_process';
import { pbkdf2Sync } from 'node:crypto';
import { gzipSync } from 'node:zlib';

const until = (deadline, work) => {
  while (performance.now() < deadline) work();
};
const text = Buffer.alloc(2 ** 20, 'abcdefghij');
/** Takes twice as long for each further letter; far more than a freeze for all of them. */
const ADDRESS = 'abcdefghijklmnopqrstuv';

/** @type {Record<string, (ms: number) => void>} */
export const FREEZES = {
  'hot loop': (ms) => until(performance.now() + ms, () => Math.sqrt(performance.now())),
  'slow regular expression': (ms) => until(performance.now() + ms, () => /^(\w+\s?)*$/.test(`${ADDRESS}!`)),
  execSync: (ms) => void execSync(`sleep ${ms / 1000}`),
  'Atomics.wait': (ms) => void Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms),
  pbkdf2Sync: (ms) =>
    until(performance.now() + ms, () => pbkdf2Sync('secret', 'salt', 200_000, 64, 'sha512')),
  gzipSync: (ms) => until(performance.now() + ms, () => gzipSync(text)),
  'allocation and collection': (ms) => {
    const kept = [];
    until(performance.now() + ms, () => {
      kept.push(new Array(1000).fill({ a: kept.length }));
      if (kept.length > 20_000) kept.length = 0;
    });
  },
};
