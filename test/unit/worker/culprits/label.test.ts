import { describe, expect, it } from 'vitest';
import { labelsOf } from '../../../../worker/culprits/label.js';

const labels = (name: string, file: string, line = 41): string[] => [
  ...labelsOf({ function: name, file, line, column: 7, internal: false }),
];

describe('the label of a culprit', () => {
  it.each([
    ['/srv/shop/src/invoice.ts', 'f invoice.ts:41'],
    ['C:\\shop\\invoice.ts', 'f invoice.ts:41'],
    // These say nothing by themselves.
    ['/srv/shop/orders/index.ts', 'f orders/index.ts:41'],
    ['/srv/shop/dist/index.cjs', 'f shop/dist/index.cjs:41'],
    ['/srv/node_modules/csv-parse/lib/index.js', 'f csv-parse/lib/index.js:41'],
    ['/index.js', 'f index.js:41'],
    // Files need not be files.
    ['webpack-internal:///./pages/cart.js?7f3a', 'f cart.js:41'],
    ['data:text/javascript;base64,Zm9y/KDs7KTs=', 'f data::41'],
    ['evalmachine.<anonymous>', 'f evalmachine.<anonymous>:41'],
    ['', 'f :41'],
  ])('of %s is %s', (file, label) => {
    expect(labels('f', file)[0]).toBe(label);
  });

  it('has a folder more with each that is taken', () => {
    expect(labels('f', '/srv/a/x.ts')).toEqual(['f x.ts:41', 'f a/x.ts:41', 'f srv/a/x.ts:41']);
  });

  it.each([
    ['n'.repeat(300), `/srv/${'long/'.repeat(50)}${'f'.repeat(200)}.ts`, 123_456_789],
    ['\u{1f600}'.repeat(200), `/${'\u{1f600}'.repeat(200)}.ts`, 1],
    ['a\nb\u202e\ud800"\\', '/x\u0007\n.ts', 1],
  ])('%# is short, printable and whole', (name, file, line) => {
    for (const label of labels(name, file, line)) {
      expect(label.length).toBeLessThanOrEqual(100);
      expect(label).not.toMatch(/[\p{Cc}\p{Cs}\p{Bidi_Control}]/u);
      expect(label).toMatch(new RegExp(`:${line}$`));
    }
  });
});
