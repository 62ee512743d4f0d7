import { expect, it } from 'vitest';
import type { SlowTask } from '../../../../src/shared/slow-task.js';
import { slowTaskLine } from '../../../../worker/reports/slow-task-log.js';

const frame = {
  function: 'blur',
  file: '/srv/app/blur.js',
  line: 12,
  column: 3,
  internal: false,
  code: '\twhile (more());',
};
const task: SlowTask = {
  pool: 'images',
  threadId: 3,
  startedAt: '2026-01-01T00:00:00.000Z',
  ranMs: 1012.4,
  file: '/srv/app/resize.js',
  function: 'resize',
  result: 'captured',
  frames: [frame],
  culprit: frame,
};
const { culprit, ...without } = task;
const { file, function: _, ...nameless } = without;
const TEXT = 'event-loop-watchdog: a task of the pool images has run for 1012 ms';

it.each<[SlowTask, number, string]>([
  [task, 0, `${TEXT}: resize /srv/app/resize.js, now in blur /srv/app/blur.js:12   while (more());`],
  [
    { ...without, frames: [] },
    2,
    `${TEXT}: resize /srv/app/resize.js, which awaits something  [2 more were not logged]`,
  ],
  [{ ...nameless, result: 'unanswered', frames: [] }, 0, TEXT],
])('as text', (one, left, expected) => {
  expect(slowTaskLine('text', one, left)).toBe(expected);
});

it('as JSON, without the stack', () => {
  expect(JSON.parse(slowTaskLine('json', task, 2))).toEqual({
    level: 'warn',
    time: expect.any(String),
    msg: 'pool task is slow',
    ...without,
    frames: undefined,
    culprit: frame,
    notLogged: 2,
  });
});
