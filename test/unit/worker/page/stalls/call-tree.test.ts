import { expect, it } from 'vitest';
import {
  boxesOf,
  type Call,
  type CpuProfile,
  callTreeOf,
  functionsOf,
} from '../../../../../worker/page/stalls/call-tree.js';

/** Nodes as `id/name/under`, and samples as `name of node: microseconds`. */
function profileOf(
  nodes: readonly string[],
  samples: readonly (readonly [id: number, us: number])[],
): CpuProfile {
  const all = nodes.map((text) => {
    const [id, functionName, under] = text.split('/') as [string, string, string?];
    const url = functionName.startsWith('(') ? '' : `file:///srv/my%20app/${functionName}.js`;
    return {
      id: Number(id),
      under: Number(under),
      callFrame: { functionName, url, lineNumber: 0, columnNumber: 0 },
    };
  });
  const startedUs = 1000;
  const lengthUs = samples.reduce((sum, [, us]) => sum + us, 0);
  return {
    nodes: all.map(({ id, callFrame }) => ({
      id,
      callFrame,
      children: all.filter(({ under }) => under === id).map((one) => one.id),
    })),
    startTime: 5000,
    endTime: 5000 + startedUs + lengthUs,
    samples: samples.map(([id]) => id),
    // Each says how long after the one before it came.
    timeDeltas: samples.map((_, i) => (i === 0 ? startedUs : (samples[i - 1]?.[1] as number))),
  };
}
const shapeOf = ({ name, ms, selfMs, children }: Call): unknown => [
  name,
  ms,
  selfMs,
  ...children.map(shapeOf),
];

it('a sample lasts until the next, the last one until the end; idle time is none of the tree', () => {
  const nodes = ['1/(root)', '2/serve/1', '3/render/2', '4/(idle)/1', '5/unseen/2'];
  const { root, idleMs } = callTreeOf(
    profileOf(nodes, [
      [3, 2000],
      [4, 7000],
      [2, 1000],
      [3, 4000],
    ]),
  );
  expect(idleMs).toBe(7);
  expect(shapeOf(root)).toEqual(['(root)', 7, 0, ['serve', 7, 1, ['render', 6, 6]]]);
  expect(root.children[0]).toMatchObject({ file: '/srv/my app/serve.js', line: 1, owner: 'app', depth: 1 });
});

it('garbage collections are on top of what they interrupted', () => {
  const nodes = ['1/(root)', '2/serve/1', '3/(garbage collector)/1', '4/parse/2'];
  const { root } = callTreeOf(
    profileOf(nodes, [
      [2, 1000],
      [3, 500],
      [4, 1000],
      [3, 250],
      [3, 250],
    ]),
  );
  expect(shapeOf(root.children[0] as Call)).toEqual([
    'serve',
    3,
    1,
    ['parse', 1.5, 1, ['(garbage collector)', 0.5, 0.5]],
    ['(garbage collector)', 0.5, 0.5],
  ]);
});

it('an icicle shows a call as wide as the whole, under its callers, and leaves out what is too narrow', () => {
  const nodes = ['1/(root)', '2/serve/1', '3/render/2', '4/log/2', '5/other/1', '6/tiny/3'];
  const { root } = callTreeOf(
    profileOf(nodes, [
      [3, 5990],
      [6, 10],
      [4, 2000],
      [5, 2000],
    ]),
  );
  const seen = (top: Call) => boxesOf(top, 1 / 500).map(({ call, from, share }) => [call.name, from, share]);
  expect(seen(root)).toEqual([
    ['(root)', 0, 1],
    ['serve', 0, 0.8],
    ['render', 0, 0.6],
    ['log', 0.6, 0.2],
    ['other', 0.8, 0.2],
  ]);
  expect(seen(root.children[0] as Call)).toEqual([
    ['(root)', 0, 1],
    ['serve', 0, 1],
    ['render', 0, 0.75],
    ['log', 0.75, 0.25],
  ]);
});

it('one that calls itself has its time once', () => {
  const nodes = ['1/(root)', '2/walk/1', '3/walk/2', '4/read/3'];
  const { root } = callTreeOf(
    profileOf(nodes, [
      [2, 1000],
      [3, 2000],
      [4, 500],
    ]),
  );
  const rows = functionsOf(root).map(({ call, ms, selfMs }) => [call.name, ms, selfMs]);
  expect(rows).toEqual([
    ['walk', 3.5, 3],
    ['read', 0.5, 0.5],
  ]);
});

it('a profile without samples is an empty tree', () => {
  expect(shapeOf(callTreeOf({ nodes: [], startTime: 0, endTime: 0 }).root)).toEqual(['(root)', 0, 0]);
});
