import { expect, it } from 'vitest';
import { openThread } from '../../../../worker/system/thread.js';
import { makeFiles } from '../../../support/home.js';

it("a thread's state is what follows the last parenthesis, whatever its name holds", () => {
  const home = makeFiles({
    schedstat: '1500000000 250000000 99\n',
    stat: '7 (node ) R (x) S 1 2 3\n',
    syscall: 'running\n',
  });
  const thread = openThread(home.slice(0, -1));
  expect(thread.times()).toEqual({ cpuMs: 1500, runQueueMs: 250 });
  expect(thread.state()).toEqual({ state: 'S' });
  expect(openThread('/nowhere').times()).toBeUndefined();
  expect(openThread('/nowhere').state()).toBeUndefined();
});

it('a system that keeps no accounts of threads shows zeros: they are none', () => {
  const thread = openThread(makeFiles({ schedstat: '0 0 0\n', stat: '7 (node) S 1\n' }));
  expect(thread.times()).toBeUndefined();
  expect(thread.state()).toEqual({ state: 'S' });
  // One that has never waited is another matter.
  expect(openThread(makeFiles({ schedstat: '1500000 0 3\n' })).times()).toEqual({
    cpuMs: 1.5,
    runQueueMs: 0,
  });
});
