import { expect, it } from 'vitest';
import type { TaskName } from '../../../../src/shared/slow-task.js';
import type { Frame } from '../../../../src/shared/stall.js';
import { whatRuns } from '../../../../worker/pools/what-runs.js';

const frame = (name: string, file: string): Frame => ({
  function: name,
  file,
  line: 1,
  column: 1,
  internal: file.startsWith('node:'),
});
const blur = frame('blur', '/srv/app/blur.js');
const resize = frame('resize', '/srv/app/resize.js');
const piscina = frame('onMessage', '/srv/app/node_modules/piscina/dist/worker.js');
const node = frame('processTicksAndRejections', 'node:internal/process/task_queues');
const dependency = frame('sharp', '/srv/app/node_modules/sharp/index.js');
const file = '/srv/app/dist/resize.js';

it.each<[string, TaskName | undefined, readonly Frame[], object]>([
  [
    'the export that was asked for',
    { file, name: 'thumb' },
    [blur, resize, piscina],
    { file, function: 'thumb' },
  ],
  [
    'the default export, by its own name',
    { file, name: 'default' },
    [dependency, blur, dependency, resize, piscina, node],
    { file, function: 'resize' },
  ],
  [
    'one that nobody has called: it goes on after an await',
    { file, name: 'default' },
    [blur, node],
    { file, function: 'default' },
  ],
  ['one without a stack', { file, name: 'default' }, [], { file, function: 'default' }],
  [
    'one of which only the stack tells',
    undefined,
    [blur, resize, piscina],
    { file: resize.file, function: 'resize' },
  ],
  ['one of which nothing tells', undefined, [blur], {}],
  ['one of a dependency', undefined, [dependency, piscina], {}],
])('%s', (_, told, frames, expected) => {
  expect(whatRuns(told, frames)).toEqual(expected);
});
