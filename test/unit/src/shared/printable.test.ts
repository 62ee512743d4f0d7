import { once } from 'node:events';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { WatchdogError } from '../../../../src/errors.js';
import { isPrintable, printable, printableJson } from '../../../../src/shared/printable.js';
import { isName } from '../../../../src/shared/rules.js';
import { framesOf, warn } from '../../../../src/warn.js';

/** By number, so as not to say again what is under test. */
const RANGES: readonly (readonly [string, number, number])[] = [
  ['C0', 0x00, 0x1f],
  ['DEL and C1', 0x7f, 0x9f],
  ['direction marks', 0x200e, 0x200f],
  ['the Arabic one', 0x61c, 0x61c],
  ['separators and direction overrides', 0x2028, 0x202e],
  ['direction isolates', 0x2066, 0x2069],
  ['halves of surrogate pairs', 0xd800, 0xdfff],
];
const isBad = (unit: number): boolean => RANGES.some(([, from, to]) => unit >= from && unit <= to);
/** Text in which much is bad. */
const texts = fc
  .array(
    fc.oneof(fc.integer({ min: 0, max: 0xffff }), ...RANGES.map(([, min, max]) => fc.integer({ min, max }))),
  )
  .map((units) => String.fromCharCode(...units));

describe('what leaves', () => {
  it.each(RANGES)('has no %s', (_, from, to) => {
    for (let unit = from; unit <= to; unit++) {
      const text = `a${String.fromCharCode(unit)}b`;
      expect(printable(text)).toBe(`a\\u${unit.toString(16).padStart(4, '0')}b`);
      expect(isPrintable(text)).toBe(false);
      expect(isName(text)).toBe(false);
    }
  });

  it('else is as it was', () => {
    for (let unit = 0; unit < 0xd800; unit++) {
      if (isBad(unit)) continue;
      const text = String.fromCharCode(unit);
      expect(printable(text)).toBe(text);
    }
    for (const text of ['naïve 漢字 שלום 👩‍💻 \\ "', '\ue000\ufffd']) {
      expect(printable(text)).toBe(text);
      expect(isPrintable(text)).toBe(true);
    }
  });

  it('means the same as JSON', () => {
    fc.assert(
      fc.property(texts, texts, (key, value) => {
        const text = printableJson({ [key]: [value, { value }] });
        expect(isPrintable(text)).toBe(true);
        expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify({ [key]: [value, { value }] })));
        expect(printable(text)).toBe(text);
      }),
    );
  });
});

describe('messages', () => {
  const BAD = 'x\nforged\u001b[2J\u009b\u202e';
  const GOOD = 'x\\u000aforged\\u001b[2J\\u009b\\u202e';

  it('of errors are on one line', () => {
    expect(new WatchdogError('ERR_WATCHDOG_TIMEOUT', BAD).message).toBe(GOOD);
  });

  it('of warnings are on one line; only where it came from may follow', async () => {
    const thrown = new Error(BAD);
    const next = once(process, 'warning');
    warn(`A listener threw: ${thrown.message}`, 'CODE', [...framesOf(thrown), `    at ${BAD}`]);
    const [{ message, detail, code, name }] = (await next) as [Error & { detail: string; code: string }];
    expect({ message, code, name }).toEqual({
      message: `A listener threw: ${GOOD}`,
      code: 'CODE',
      name: 'WatchdogWarning',
    });
    const lines = detail.split('\n');
    expect(lines.length).toBeGreaterThan(1);
    expect(lines.at(-1)).toBe(`    at ${GOOD}`);
    for (const line of lines) expect(line).toMatch(/^ {4}at /);
  });

  it('come of whatever was thrown', () => {
    expect(framesOf('text')).toEqual([]);
    expect(framesOf(Object.assign(new Error('x'), { stack: 7 }))).toEqual([]);
  });
});
