import { describe, expect, it } from 'vitest';
import { checkRuntime } from '../../../src/runtime.js';

const NODE = { node: '20.19.0' };
const refusal = (...args: Parameters<typeof checkRuntime>): { code?: string; message?: string } => {
  try {
    checkRuntime(...args);
    return {};
  } catch (error) {
    return error as { code: string; message: string };
  }
};

describe('the runtimes in which the watchdog starts:', () => {
  it.each([
    ['Node.js', NODE, '', true],
    ['Node.js with other options', NODE, '--import x --max-old-space-size=64', true],
  ])('%s', (_what, ...runtime) => {
    expect(refusal(...runtime)).toEqual({});
  });

  it.each([
    ['Bun, which calls itself Node.js, too', { ...NODE, bun: '1.4.5' }, '', true, 'this is Bun 1.4.5.'],
    ['Deno', { ...NODE, deno: '2.9.6' }, '', true, 'this is Deno 2.9.6.'],
    ['a snapshot that is built', NODE, '', false, '(--build-snapshot)'],
    ['a process from a snapshot', NODE, '--snapshot-blob app.blob', true, '(--build-snapshot)'],
    ['the same, short', NODE, '--no-warnings --snapshot-blob=app.blob', true, '(--build-snapshot)'],
  ])('not %s', (_what, versions, options, sharedMemory, message) => {
    const { code, message: told } = refusal(versions, options, sharedMemory);
    expect(code).toBe('ERR_WATCHDOG_UNSUPPORTED_RUNTIME');
    expect(told).toContain(message);
  });
});
