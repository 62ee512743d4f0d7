import { expect, it } from 'vitest';
import { momentOf, ownerOf, pathOf } from '../../../../../worker/page/stalls/words.js';
import { shortPath } from '../../../../../worker/page/words.js';

it('a moment of another day has its date', () => {
  const now = new Date(2026, 2, 7, 9, 5);
  expect(momentOf(new Date(2026, 2, 7, 3, 4, 5).toISOString(), now)).toBe('03:04:05');
  expect(momentOf(new Date(2026, 2, 6, 23, 4, 5).toISOString(), now)).toBe('6 Mar 23:04:05');
});

it('whose code it is', () => {
  expect(['', 'node:fs', 'file:///srv/a/node_modules/b/c.js', '/srv/a/c.js'].map(ownerOf)).toEqual([
    'engine',
    'node',
    'dependency',
    'app',
  ]);
});

it('of a path as much as tells it from others', () => {
  expect(pathOf('file:///srv/my%20app/a.js')).toBe('/srv/my app/a.js');
  expect(pathOf('file:///srv/100%/a.js')).toBe('/srv/100%/a.js');
  expect(shortPath('/srv/app/src/a.js')).toBe('…/src/a.js');
  expect(shortPath('/srv/app/node_modules/@x/y/lib/a.js')).toBe('@x/y/lib/a.js');
});
