import { expect, it, vi } from 'vitest';
import { uniqueId } from '../../../src/unique-id.js';

it('is another one each time, also within one millisecond', () => {
  vi.useFakeTimers({ toFake: ['Date'] });
  const ids = new Set(Array.from({ length: 1000 }, uniqueId));
  vi.useRealTimers();
  expect(ids.size).toBe(1000);
  // Part of a stall's id, which stands in URLs and logs.
  for (const id of ids) expect(id).toMatch(/^[0-9a-z]{10,40}$/);
});
