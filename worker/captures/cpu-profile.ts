import { isAbsolute } from 'node:path';
import { pathToFileURL } from 'node:url';
import { printableJson } from '../../src/shared/printable.js';
import type { Site } from '../inspector/messages.js';
import type { Collecting } from '../stalls/collections.js';
import { whileOf } from './hot.js';
import type { StallSample } from './samples.js';

/**
 * A profile is not longer than this: the hundred stalls of the journal have 12.5 MiB of them at most, outside
 * of the heap, and mostly well under one.
 */
const PROFILE_MAX_BYTES = 128 * 1024;
/** As many frames of a stack as are ever seen; fewer where the profile would be too long. */
const DEPTHS = [64, 32, 16, 8, 4, 2];

/** A node of the tree of calls, as V8 writes it. Lines and columns count from 0. */
interface Node {
  readonly id: number;
  readonly callFrame: CallFrame;
  hitCount: number;
  readonly children: number[];
  /** Of its own samples; lines from 1. */
  readonly positionTicks?: { readonly line: number; ticks: number }[];
}

interface CallFrame {
  readonly functionName: string;
  readonly scriptId: string;
  readonly url: string;
  readonly lineNumber: number;
  readonly columnNumber: number;
}

/**
 * A stall's samples as the text of a `.cpuprofile`.
 * @param stall when it began on the shared clock, and for how long it went on
 * @returns `undefined` if there is none
 */
export function toCpuProfile(
  samples: readonly StallSample[],
  stall: { readonly startMs: number; readonly durationMs: number },
  collecting: Collecting,
): Buffer | undefined {
  const seen = samples.filter(({ seenMs }) => seenMs !== undefined);
  if (seen.length === 0) return undefined;
  for (const depth of DEPTHS) {
    const text = Buffer.from(printableJson(profileOf(seen, stall, { collecting, depth })));
    if (text.length <= PROFILE_MAX_BYTES) return text;
  }
  return undefined;
}

function profileOf(
  seen: readonly StallSample[],
  { startMs, durationMs }: { readonly startMs: number; readonly durationMs: number },
  { collecting, depth }: { readonly collecting: Collecting; readonly depth: number },
): object {
  const tree = createTree();
  const samples: number[] = [];
  const timeDeltas: number[] = [];
  /** Since the stall's start. */
  let atUs = 0;
  const add = (node: Node, fromMs: number): void => {
    const fromUs = Math.max(atUs, Math.round((fromMs - startMs) * 1000));
    samples.push(node.id);
    timeDeltas.push(fromUs - atUs);
    node.hitCount++;
    atUs = fromUs;
  };
  for (const sample of seen) {
    const { seenMs = 0, askedMs, forMs, sites } = sample;
    // A sample of the format lasts until the next: it begins where ours, which tell of the time before, did.
    const leaf = tree.leafOf(sites.slice(0, depth));
    const during = whileOf(sample, collecting);
    const nowhere = during !== 'native' && sites.length === 0;
    const node = nowhere ? tree.childOf(leaf, PROGRAM) : leaf;
    add(during === 'native' ? tree.childOf(leaf, NATIVE) : node, seenMs - forMs);
    // Viewers put it on top of what was before.
    if (during === 'gc') add(tree.childOf(tree.root, COLLECTING), askedMs);
  }
  add(tree.childOf(tree.root, IDLE), seen.at(-1)?.seenMs ?? startMs);
  const startTime = Math.round(startMs * 1000);
  const endTime = startTime + Math.max(atUs, Math.round(durationMs * 1000));
  return { nodes: tree.nodes, startTime, endTime, samples, timeDeltas };
}

const noCode = (functionName: string): CallFrame => ({
  functionName,
  scriptId: '0',
  url: '',
  lineNumber: -1,
  columnNumber: -1,
});
const ROOT = noCode('(root)');
/** What V8 itself calls a sample without a stack. */
const PROGRAM = noCode('(program)');
const NATIVE = noCode('(native)');
const COLLECTING = noCode('(garbage collector)');
/** Viewers show it as nothing: the stall is over, or nobody looked any more. */
const IDLE = noCode('(idle)');

interface Tree {
  readonly nodes: readonly Node[];
  readonly root: Node;
  childOf(parent: Node, callFrame: CallFrame): Node;
  /** The node of a stack, innermost first. */
  leafOf(sites: readonly Site[]): Node;
}

function createTree(): Tree {
  const nodes: Node[] = [];
  const known = new Map<string, Node>();
  /** Viewers take two for the same function only if all of this is the same. */
  const frames = new Map<string, CallFrame>();

  function nodeOf(parent: Node | undefined, callFrame: CallFrame, name: string): Node {
    const key = `${parent?.id} ${name}`;
    let node = known.get(key);
    if (!node) {
      node = { id: nodes.length + 1, callFrame, hitCount: 0, children: [], positionTicks: [] };
      nodes.push(node);
      known.set(key, node);
      parent?.children.push(node.id);
    }
    return node;
  }

  function frameOf({ fn, frame }: Site): CallFrame {
    let callFrame = frames.get(fn);
    if (!callFrame) {
      callFrame = {
        functionName: frame.function,
        scriptId: '0',
        url: isAbsolute(frame.file) ? pathToFileURL(frame.file).href : frame.file,
        lineNumber: frame.line - 1,
        columnNumber: frame.column - 1,
      };
      frames.set(fn, callFrame);
    }
    return callFrame;
  }

  const root = nodeOf(undefined, ROOT, '');
  return {
    nodes,
    root,
    childOf: (parent, callFrame) => nodeOf(parent, callFrame, callFrame.functionName),
    leafOf(sites) {
      let leaf = root;
      for (const site of [...sites].reverse()) leaf = nodeOf(leaf, frameOf(site), `fn ${site.fn}`);
      const [innermost] = sites;
      if (innermost) tick(leaf, innermost.frame.line);
      return leaf;
    },
  };
}

function tick({ positionTicks = [] }: Node, line: number): void {
  const known = positionTicks.find((one) => one.line === line);
  if (known) known.ticks++;
  else positionTicks.push({ line, ticks: 1 });
}
