import { AsyncLocalStorage } from 'node:async_hooks';
import { runInThisContext } from 'node:vm';
import { afterEach, expect, it } from 'vitest';
import { type Context, openContext } from '../../../../src/loop/context.js';
import { CONTEXT_KEY, type ContextReader } from '../../../../src/shared/protocol.js';

const KEY: unique symbol = Symbol.for(CONTEXT_KEY) as never;
const place = (): ContextReader | false | undefined => (globalThis as { [KEY]?: ContextReader | false })[KEY];
const read = (): string | undefined => (place() as ContextReader).read?.();

let context: Context | undefined;
afterEach(() => context?.close());
/** @param limitMs by default so long that no busy machine exceeds it */
function open(option: boolean | (() => unknown), limitMs = 30_000): void {
  context = openContext(option, () => 7, limitMs);
}

it('tells the turn, and what the app says in the context of the code that is interrupted', () => {
  const stores = new AsyncLocalStorage<object>();
  open(() => stores.getStore());
  expect(place()).toMatchObject({ turn: expect.any(Function) });
  expect((place() as ContextReader).turn()).toBe(7);
  expect(stores.run({ id: 1 }, read)).toBe('{"id":1}');
  expect(read()).toBeUndefined();
});

it('is there, and nothing to call, without a function; and says so if it is off', () => {
  open(true);
  expect(place()).toEqual({ turn: expect.any(Function) });
  open(false);
  expect(place()).toBe(false);
  context?.close();
  expect(place()).toBeUndefined();
});

it.each<[string, unknown, string | undefined]>([
  ['a BigInt', { id: 42n }, '{"id":"42"}'],
  ['a circle', globalThis, '"[no JSON]"'],
  [
    'what throws',
    {
      toJSON() {
        throw new Error('no');
      },
    },
    '"[no JSON]"',
  ],
  ['a function', () => {}, undefined],
  ['more than is kept', 'x'.repeat(1e6), `"${'x'.repeat(1024)}`],
])('has for %s what JSON can tell', (_, value, json) => {
  open(() => value);
  expect(read()).toBe(json);
});

it('goes on asking a function that throws', () => {
  let calls = 0;
  open(() => {
    if (calls++ === 0) throw new Error('no');
    return calls;
  });
  expect([read(), read()]).toEqual([undefined, '2']);
});

it('asks no more for a promise, nor after three time-outs in a row', () => {
  let calls = 0;
  open(async () => {
    calls++;
  });
  expect([read(), read(), calls]).toEqual([undefined, undefined, 1]);
  open(() => {
    calls++;
    if (calls !== 4) for (;;);
  }, 200);
  for (let looks = 0; looks < 8; looks++) read();
  expect(calls).toBe(7);
});

it('asks nothing where a time-out of `vm` may be at work: its end would be taken back', () => {
  open(() => 'asked');
  const globals = globalThis as { read?: unknown };
  globals.read = read;
  expect(runInThisContext('read()')).toBeUndefined();
  delete globals.read;
  expect(read()).toBe('"asked"');
});
