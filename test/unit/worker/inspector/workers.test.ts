import { expect, it } from 'vitest';
import { readTitle } from '../../../../worker/inspector/workers.js';

it.each([
  ['[worker 3] resize', 3, 'resize'],
  ['[worker 12] [worker 3] two\nlines', 12, '[worker 3] two\nlines'],
  ['[worker 4] ', 4, undefined],
  ['[worker 4]', 4, undefined],
  ['[worker 5] WorkerThread', 5, undefined],
])('the title %j of a worker has its id and its name', (title, threadId, name) => {
  expect(readTitle(title)).toEqual({ threadId, name });
});
