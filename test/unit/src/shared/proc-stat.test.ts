import { expect, it } from 'vitest';
import { parseStat } from '../../../../src/shared/proc-stat.js';

it.each(['node', 'a b', ') R (', '((('])('a name such as %j does not move the fields behind it', (name) => {
  const stat = `4711 (${name}) S 1 1 1 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 11 0 987654 1000 200`;
  expect(parseStat(stat)).toEqual({ id: 4711, state: 'S', startedAt: '987654' });
});

it.each(['', '4711 (node)'])('%j tells nothing', (stat) => {
  expect(parseStat(stat)).toBeUndefined();
});
