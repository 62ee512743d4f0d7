import { type Owner, ownerOf, pathOf } from './words.js';

/** What the page reads of a `.cpuprofile`. Times in microseconds; lines from 0. */
export interface CpuProfile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: {
      readonly functionName: string;
      readonly url: string;
      readonly lineNumber: number;
      readonly columnNumber: number;
    };
    readonly children?: readonly number[];
  }[];
  readonly startTime: number;
  readonly endTime: number;
  /** A node each; it lasts until the next. */
  readonly samples?: readonly number[];
  /** How long after the one before each was taken. */
  readonly timeDeltas?: readonly number[];
}

/** A function as it was called from one place in the tree of calls. */
export interface Call {
  readonly name: string;
  /** Empty if it has none. */
  readonly file: string;
  /** From 1. */
  readonly line: number;
  readonly owner: Owner;
  readonly parent: Call | undefined;
  /** How deep it is in the tree, whose root has 0. */
  readonly depth: number;
  /** In it and in what it called. */
  ms: number;
  /** In it alone. */
  selfMs: number;
  /** The longest first. */
  readonly children: Call[];
}

export interface CallTree {
  /** Its time is that of all that is not idle. */
  readonly root: Call;
  readonly idleMs: number;
}

type Node = CpuProfile['nodes'][number];

const ROOT: Node['callFrame'] = { functionName: '(root)', url: '', lineNumber: -1, columnNumber: -1 };
const COLLECTOR = '(garbage collector)';
const IDLE = '(idle)';

/** Who called whom, and for how long. What V8 tells of garbage collections is on top of what they interrupted. */
export function callTreeOf(profile: CpuProfile): CallTree {
  const nodes = new Map(profile.nodes.map((node) => [node.id, node]));
  const parents = new Map(profile.nodes.flatMap(({ id, children = [] }) => children.map((one) => [one, id])));
  const root = callOf(ROOT, undefined);
  /** By node of the profile. */
  const calls = new Map<number, Call>();
  let idleMs = 0;
  let last = root;

  function find(id: number): Call {
    const known = calls.get(id);
    if (known) return known;
    const parent = parents.get(id);
    const call = parent === undefined ? root : childOf(find(parent), (nodes.get(id) as Node).callFrame);
    calls.set(id, call);
    return call;
  }

  for (const { id, ms } of timesOf(profile)) {
    const frame = nodes.get(id)?.callFrame;
    if (frame?.functionName === IDLE) idleMs += ms;
    else if (frame?.functionName === COLLECTOR) childOf(last, frame).selfMs += ms;
    else if (frame) {
      last = find(id);
      last.selfMs += ms;
    }
  }
  sum(root);
  return { root, idleMs };
}

function timesOf({
  samples = [],
  timeDeltas = [],
  startTime,
  endTime,
}: CpuProfile): { id: number; ms: number }[] {
  const untilEnd = endTime - startTime - timeDeltas.reduce((all, one) => all + one, 0);
  // Samples of several threads' clocks may come out of order.
  return samples.map((id, i) => ({ id, ms: Math.max(0, timeDeltas[i + 1] ?? untilEnd) / 1000 }));
}

function callOf({ functionName, url, lineNumber }: Node['callFrame'], parent: Call | undefined): Call {
  return {
    name: functionName || '(anonymous)',
    file: pathOf(url),
    line: lineNumber + 1,
    owner: ownerOf(url),
    parent,
    depth: parent ? parent.depth + 1 : 0,
    ms: 0,
    selfMs: 0,
    children: [],
  };
}

function childOf(parent: Call, frame: Node['callFrame']): Call {
  const call = callOf(frame, parent);
  const known = parent.children.find((one) => isSame(one, call));
  if (known) return known;
  parent.children.push(call);
  return call;
}

const isSame = (one: Call, other: Call): boolean =>
  one.name === other.name && one.file === other.file && one.line === other.line;

function sum(call: Call): void {
  for (const child of call.children) sum(child);
  call.ms = call.selfMs + call.children.reduce((all, { ms }) => all + ms, 0);
  // What took no time is not to be seen.
  const seen = call.children.filter(({ ms }) => ms > 0).sort((a, b) => b.ms - a.ms);
  call.children.splice(0, call.children.length, ...seen);
}

/** A call's place in an icicle: parts of its width. */
export interface Box {
  readonly call: Call;
  readonly from: number;
  readonly share: number;
}

/**
 * The boxes of an icicle that shows this call as wide as it is, under those that called it.
 * @param leastShare narrower ones, and what is under them, are left out
 */
export function boxesOf(top: Call, leastShare: number): Box[] {
  const callers: Box[] = [];
  for (let call = top.parent; call; call = call.parent) callers.unshift({ call, from: 0, share: 1 });
  const boxes: Box[] = [];
  function add(call: Call, from: number): void {
    const share = top.ms > 0 ? call.ms / top.ms : 1;
    if (share < leastShare) return;
    boxes.push({ call, from, share });
    let at = from;
    for (const child of call.children) {
      add(child, at);
      at += child.ms / top.ms;
    }
  }
  add(top, 0);
  return [...callers, ...boxes];
}

/** A function, wherever it was called from. */
export interface FunctionTime {
  readonly call: Call;
  ms: number;
  selfMs: number;
}

/** Most time of their own first. One that calls itself counts once. */
export function functionsOf(root: Call): FunctionTime[] {
  const all = new Map<string, FunctionTime>();
  function add(call: Call, above: readonly FunctionTime[]): void {
    const key = `${call.name} ${call.file} ${call.line}`;
    const known = all.get(key) ?? { call, ms: 0, selfMs: 0 };
    all.set(key, known);
    known.selfMs += call.selfMs;
    if (!above.includes(known)) known.ms += call.ms;
    for (const child of call.children) add(child, [...above, known]);
  }
  for (const child of root.children) add(child, []);
  return [...all.values()].sort((a, b) => b.selfMs - a.selfMs);
}
