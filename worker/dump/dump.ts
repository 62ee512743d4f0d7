import { setTimeout as delay } from 'node:timers/promises';
import { threadId as ownId } from 'node:worker_threads';
import { now, wallClockOf } from '../../src/shared/clock.js';
import type { CaptureResult } from '../../src/shared/labels.js';
import type { DumpedThread, SystemThread, ThreadDump } from '../../src/shared/thread-dump.js';
import type { Inspector } from '../captures/client.js';
import type { SeenThread, Target, ThreadsCapture } from '../inspector/messages.js';
import type { Loop } from '../loops/loop.js';
import type { PoolView } from '../pools/pool.js';
import { cpuMsOf, ownTask, readTasks, type Task } from '../system/tasks.js';
import { activityOf, LOCK } from './activity.js';

/** Threads are asked for so long; in JavaScript they answer within 5 to 80 ms. */
const ASK_MS = 1500;
/** A dump is there by then, mapped to the source or not. */
const DUMP_MS = 2000;
const MOMENT_MS = 5;
/** CPU is measured for so long. */
const CPU_MS = 1000;
/** Of the threads that run no JavaScript more are left out. */
const SYSTEM_MAX = 256;

export interface DumpOptions {
  readonly inspector: Inspector;
  /** The loops under watch. */
  readonly loops: () => readonly Loop[];
  readonly pools: () => readonly PoolView[];
}

/** Takes a dump of the process's threads, within two seconds or so. */
export type TakeDump = () => Promise<{
  /** What became of the looks: `unanswered` if main did not answer. */
  readonly result: CaptureResult;
  readonly dump: ThreadDump;
}>;

export function createDump({ inspector, loops, pools }: DumpOptions): TakeDump {
  return async () => {
    // First: to be asked wakes them.
    const tasks = await readRestingTasks();
    const fromMs = now();
    const watched = loops();
    const request = { looks: true, known: watched.map(({ target }) => target), deadlineMs: ASK_MS };
    const asked = inspector.threads(request, DUMP_MS);
    const inspectorId = inspector.threadId;
    const [capture, shareOf] = await Promise.all([asked, measureCpu(tasks, fromMs)]);
    const main = capture.threads.find(({ threadId }) => threadId === 0);
    const mute = capture.result === 'captured' && main?.result === 'unanswered';
    const result = mute ? 'unanswered' : capture.result;
    const known = { tasks, capture, result, shareOf, loops: watched, pools: pools(), fromMs, inspectorId };
    const threads = describeThreads(known);
    const taken = new Set(threads.map(({ tid }) => tid));
    const others = tasks.filter(({ tid }) => !taken.has(tid)).slice(0, SYSTEM_MAX);
    const incomplete = whatIsMissing(result, capture, inspector.unavailable);
    const dump = {
      takenAt: new Date(wallClockOf(fromMs)).toISOString(),
      pid: process.pid,
      version: process.version,
      threads: threads.map(({ thread }) => thread),
      systemThreads: others.map((task) => describeTask(task, shareOf(task.tid))),
      ...(incomplete !== undefined && { incomplete }),
    };
    return { result, dump };
  };
}

/** Who waits for a lock in passing, as allocation does, has used some CPU a moment later: it runs. */
async function readRestingTasks(): Promise<readonly Task[]> {
  const before = new Map(readTasks().map(({ tid, cpuMs }) => [tid, cpuMs]));
  await delay(MOMENT_MS);
  return readTasks().map((task) =>
    task.syscall === LOCK && before.has(task.tid) && before.get(task.tid) !== task.cpuMs
      ? { ...task, state: 'R' }
      : task,
  );
}

/** The part of a CPU that each of them uses from now on. */
async function measureCpu(
  tasks: readonly Task[],
  fromMs: number,
): Promise<(tid: number) => number | undefined> {
  await delay(CPU_MS);
  const lengthMs = now() - fromMs;
  const shares = new Map<number, number>();
  for (const { tid, cpuMs } of tasks) {
    const later = cpuMs === undefined ? undefined : cpuMsOf(tid);
    if (later !== undefined) shares.set(tid, shareOf(later - (cpuMs as number), lengthMs));
  }
  return (tid) => shares.get(tid);
}

/** The system books by its tick: a busy thread may have used more than there was. */
const shareOf = (usedMs: number, lengthMs: number): number =>
  Math.round(1000 * Math.min(1, Math.max(0, usedMs / lengthMs))) / 1000;

function whatIsMissing(
  result: CaptureResult,
  { leftOut, unmapped }: ThreadsCapture,
  whyNot = 'it was not',
): string | undefined {
  if (result === 'unavailable') return `No thread was looked into: ${whyNot}.`;
  if (result === 'failed') return 'No thread was looked into: the thread that does it has failed.';
  if (result === 'unanswered') {
    return (
      'The main thread did not answer: it is in native code or in a system call, or does not run at all. ' +
      'The others are asked through it: of those that have not answered only what the system tells is known.'
    );
  }
  if (leftOut > 0) return `${leftOut} more threads were left out.`;
  return unmapped ? 'Lines and columns are those of what runs: there was no time to map them.' : undefined;
}

interface Known {
  readonly tasks: readonly Task[];
  readonly capture: ThreadsCapture;
  readonly result: CaptureResult;
  readonly shareOf: (tid: number) => number | undefined;
  readonly loops: readonly Loop[];
  readonly pools: readonly PoolView[];
  /** When the dump was begun. */
  readonly fromMs: number;
  /** Our own thread that looks. */
  readonly inspectorId: number | undefined;
}

interface Described {
  readonly thread: DumpedThread;
  readonly tid: number | undefined;
}

/** Those that were seen, and those of which we know without. */
function describeThreads(known: Known): Described[] {
  const { capture, result, loops, pools, inspectorId } = known;
  const seen = new Map(capture.threads.map((one) => [one.threadId, askedOf(one, result)]));
  const ids = [
    0,
    ...loops.map(({ target }) => target.threadId),
    ...pools.flatMap(({ tasks }) => tasks.map(({ threadId }) => threadId)),
    ...[ownId, inspectorId].filter((id) => id !== undefined),
  ];
  // Of those that were all named who is missing has ended.
  const all = capture.result === 'captured' && capture.leftOut === 0;
  for (const threadId of all ? [] : ids)
    if (!seen.has(threadId)) seen.set(threadId, { threadId, result: 'unasked', frames: [] });
  return [...seen.values()].sort((a, b) => a.threadId - b.threadId).map((one) => describeThread(one, known));
}

/** Through a main thread that does not answer nobody is asked. */
const askedOf = (seen: SeenThread, result: CaptureResult): SeenThread =>
  result === 'unanswered' && seen.result === 'unanswered' && seen.threadId !== 0
    ? { ...seen, result: 'unasked' }
    : seen;

function describeThread(seen: SeenThread, known: Known): Described {
  const { threadId: id, result, nativeMs, request } = seen;
  const { loops, shareOf, inspectorId } = known;
  const loop = loops.find(({ target }) => target.threadId === id);
  const name = loop?.name ?? seen.name ?? (id === 0 ? 'main' : undefined);
  const task = taskOf(seen, loop?.target, known);
  const ours = id === ownId || id === inspectorId;
  const activity = ours ? undefined : activityOf(task, seen);
  const thread: DumpedThread = {
    id,
    ...(name !== undefined && { name }),
    ...poolOf(id, known),
    ...(ours && { ours }),
    ...(activity && { activity }),
    ...(task && accountOf(task, shareOf(task.tid))),
    answered: result === 'captured' || result === 'late',
    frames: ours ? [] : seen.frames,
    ...(nativeMs !== undefined && { nativeMs }),
    ...(request && { request }),
  };
  return { thread, tid: task?.tid };
}

function poolOf(id: number, { pools, fromMs }: Known): Pick<DumpedThread, 'pool' | 'oldestTaskMs'> {
  for (const { name, tasks } of pools) {
    const thread = tasks.find(({ threadId }) => threadId === id);
    if (!thread) continue;
    const { sinceMs } = thread;
    return { pool: name, ...(sinceMs !== undefined && { oldestTaskMs: Math.max(0, fromMs - sinceMs) }) };
  }
  return {};
}

/** Longer names are cut by the system, which counts bytes. */
const TASK_NAME_MAX = 15;

function taskOf(
  { threadId, name, tid }: SeenThread,
  target: Target | undefined,
  { tasks }: Known,
): Task | undefined {
  const told = /\d+$/.exec(target?.taskDirectory ?? '')?.[0];
  const ours = threadId === ownId ? ownTask() : undefined;
  const number = tid ?? ours ?? (told === undefined ? undefined : Number(told));
  // Linux calls the first thread as it calls the process.
  if (threadId === 0 && number === undefined) return tasks.find((one) => one.tid === process.pid);
  if (number !== undefined) return tasks.find((one) => one.tid === number);
  // From Node.js 24 on the system knows a worker's name.
  if (name === undefined || name.length > TASK_NAME_MAX) return undefined;
  const named = tasks.filter((one) => one.name === name);
  return named.length === 1 ? named[0] : undefined;
}

const describeTask = (task: Task, cpuShare: number | undefined): SystemThread => ({
  tid: task.tid,
  name: task.name,
  ...accountOf(task, cpuShare),
});

const accountOf = (
  { state, syscall }: Task,
  cpuShare: number | undefined,
): Pick<SystemThread, 'state' | 'syscall' | 'cpuShare'> => ({
  state,
  ...(syscall !== undefined && { syscall }),
  ...(cpuShare !== undefined && { cpuShare }),
});
