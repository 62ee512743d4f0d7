import { expect, it } from 'vitest';
import { toldOf } from '../../../../worker/inspector/context.js';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const SPAN = '00f067aa0ba902b7';
const requestOf = (...told: unknown[]) => toldOf([5, ...told])?.request;

it('is a span, its name, and what the app says', () => {
  expect(toldOf([5, '{"id":1}', TRACE, SPAN, 'GET /report'])).toEqual({
    turn: 5,
    request: { traceId: TRACE, spanId: SPAN, name: 'GET /report', context: { id: 1 } },
  });
  expect(toldOf([null, null, TRACE, SPAN, null])).toEqual({
    turn: undefined,
    request: { traceId: TRACE, spanId: SPAN },
  });
});

it('is nothing where there is nothing to say, or what is said cannot be', () => {
  expect(toldOf(undefined)).toBeUndefined();
  expect(toldOf('text')).toBeUndefined();
  expect(requestOf()).toBeUndefined();
  expect(requestOf('null', '0'.repeat(32), '0'.repeat(16), '')).toBeUndefined();
  expect(requestOf('{}', TRACE.toUpperCase(), SPAN)).toBeUndefined();
  expect(requestOf('not JSON', `${TRACE}\n`, SPAN)).toBeUndefined();
});

it('is cut to 1 KiB between two characters', () => {
  const whole = JSON.stringify({ text: 'x'.repeat(1012) });
  expect(whole).toHaveLength(1023);
  expect(requestOf(whole)?.context).toEqual(JSON.parse(whole));
  const cut = requestOf(JSON.stringify({ text: '漢'.repeat(1000) }))?.context as string;
  expect(Buffer.byteLength(cut)).toBeLessThanOrEqual(1024);
  expect(Buffer.byteLength(cut)).toBeGreaterThan(1020);
  expect(cut).toMatch(/^{"text":"漢+…$/);
});
