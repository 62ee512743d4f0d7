import type { Frame } from '../../src/shared/stall.js';
import type { DumpedThread, SystemThread } from '../../src/shared/thread-dump.js';
import { requestInWords, requestsOf } from '../stalls/requests.js';

const WORDS = {
  running: 'running',
  idle: 'idle in its event loop',
  parked: 'parked in Atomics.wait',
  blocked: 'blocked',
} as const;

/** Threads of a dump that do the same at the same place; there is a first one. */
export type Group<T> = readonly [T, ...T[]];

/** Those of one pool that do the same at the same place, in the order of the first of each. */
export function groupThreads(threads: readonly DumpedThread[]): Group<DumpedThread>[] {
  return groupsOf(threads, ({ pool, ours, activity, syscall, answered, frames }) => {
    const places = frames.map((frame) => `${frame.function} ${placeOf(frame)}`);
    return [pool, ours, activity, syscall, answered, places];
  });
}

export const groupSystemThreads = (threads: readonly SystemThread[]): Group<SystemThread>[] =>
  groupsOf(threads, ({ name, state, syscall }) => [name, state, syscall]);

function groupsOf<T>(all: readonly T[], keyOf: (one: T) => readonly unknown[]): Group<T>[] {
  const groups = new Map<string, [T, ...T[]]>();
  for (const one of all) {
    const key = JSON.stringify(keyOf(one));
    const group = groups.get(key);
    if (group) group.push(one);
    else groups.set(key, [one]);
  }
  return [...groups.values()];
}

export const placeOf = ({ file, line, column }: Pick<Frame, 'file' | 'line' | 'column'>): string =>
  `${file}:${line}:${column}`;

/** Which threads they are. */
export function whoOf(group: Group<DumpedThread>): string {
  const names = group.map(({ id, name }) => (name === undefined ? `#${id}` : `"${name}" #${id}`));
  return group.length === 1 ? (names[0] as string) : `${group.length} threads ${names.join(', ')}`;
}

/** What they do; empty if nothing is known. */
export function whatOf(group: Group<DumpedThread>): string {
  const [first] = group;
  const { pool, ours } = first;
  const what = [
    doingOf(first),
    cpuOf(group),
    ...(pool === undefined ? [] : [`pool "${pool}"${tasksOf(group)}`]),
    requestInWords(requestsOf(group)) ?? '',
    ...(ours ? ["the watchdog's own"] : []),
  ];
  return what.filter((part) => part !== '').join(', ');
}

/** One that has not answered, though it was to. */
export const isSilent = ({ answered, ours }: DumpedThread): boolean => !answered && !ours;

/** In which system call is of no interest where the words say it. */
function doingOf({ activity, state, syscall, nativeMs }: DumpedThread): string {
  const known = activity === 'idle' || activity === 'parked' || activity === 'running';
  const call = syscall === undefined || known ? '' : ` in ${syscall}`;
  const native = nativeMs === undefined ? '' : `, native code for ${nativeMs.toFixed(0)} ms`;
  return `${activity === undefined ? (state ?? '') : WORDS[activity]}${call}${native}`;
}

function cpuOf(group: readonly Pick<SystemThread, 'cpuShare'>[]): string {
  const shares = group.flatMap(({ cpuShare }) => cpuShare ?? []);
  if (shares.length === 0) return '';
  return `${(100 * shares.reduce((sum, share) => sum + share, 0)).toFixed(0)} % CPU`;
}

function tasksOf(group: readonly DumpedThread[]): string {
  const ages = group.flatMap(({ oldestTaskMs }) => oldestTaskMs ?? []);
  return ages.length === 0 ? '' : ` at a task for ${(Math.max(...ages) / 1000).toFixed(1)} s`;
}

/** Threads of the system's, and what they do. */
export function systemInWords(group: Group<SystemThread>): string {
  const [{ name, state, syscall }] = group;
  const times = group.length === 1 ? '' : `${group.length} × `;
  const call = syscall === undefined ? '' : ` in ${syscall}`;
  return `${times}${name}: ${[`${state}${call}`, cpuOf(group)].filter(Boolean).join(', ')}`;
}
