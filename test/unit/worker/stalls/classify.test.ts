import { describe, expect, it } from 'vitest';
import { classify } from '../../../../worker/stalls/classify.js';

describe('classify', () => {
  const linux = { cpuMs: 0, runQueueMs: 0, sleepMs: 0, gcMs: 0, suspendedMs: 0 };
  it.each([
    ['cpu', { ...linux, cpuMs: 900, sleepMs: 100 }],
    ['gc', { ...linux, cpuMs: 900, gcMs: 500, sleepMs: 100 }],
    ['blocked', { ...linux, cpuMs: 100, sleepMs: 900 }],
    ['starved', { ...linux, cpuMs: 250, runQueueMs: 740 }],
    ['cpu', { ...linux, cpuMs: 380, runQueueMs: 620 }],
    ['gc', { ...linux, cpuMs: 380, gcMs: 600, runQueueMs: 620 }],
    ['cpu', { ...linux, cpuMs: 400, gcMs: 300, runQueueMs: 600 }],
    ['gc', { ...linux, cpuMs: 200, gcMs: 900, runQueueMs: 350, sleepMs: 450 }],
    ['blocked', { ...linux, cpuMs: 100, gcMs: 200, sleepMs: 900 }],
    ['suspended', { ...linux, cpuMs: 20, sleepMs: 980, suspendedMs: 950 }],
    ['suspended', { ...linux, gcMs: 990, sleepMs: 1000, suspendedMs: 950 }],
    ['unknown', { gcMs: 400, suspendedMs: 0 }],
    ['gc', { gcMs: 600, suspendedMs: 0 }],
    ['suspended', { gcMs: 0, suspendedMs: 900 }],
  ])('%s: %o', (cause, evidence) => {
    expect(classify(1000, evidence)).toBe(cause);
  });
});
