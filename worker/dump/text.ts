import { printable } from '../../src/shared/printable.js';
import type { Frame } from '../../src/shared/stall.js';
import type { DumpedThread, SystemThread, ThreadDump } from '../../src/shared/thread-dump.js';
import { requestInWords, requestsOf } from '../stalls/requests.js';

const WORDS = {
  running: 'running',
  idle: 'idle in its event loop',
  parked: 'parked in Atomics.wait',
  blocked: 'blocked',
} as const;

/** A dump for people's eyes: threads of one pool that do the same at the same place are one paragraph. */
export function textOfDump({
  takenAt,
  pid,
  version,
  threads,
  systemThreads,
  incomplete,
}: ThreadDump): string {
  const lines = [
    `Threads of process ${pid}, Node.js ${version}, at ${takenAt}: ${threads.length} run JavaScript`,
    ...(incomplete === undefined ? [] : [incomplete]),
    ...groupsOf(threads, keyOf).flatMap((group) => ['', ...paragraphOf(group)]),
    ...(systemThreads.length === 0 ? [] : ['', ...linesOf(systemThreads)]),
  ];
  return `${lines.map(printable).join('\n')}\n`;
}

function keyOf({ pool, ours, activity, syscall, answered, frames }: DumpedThread): string {
  const places = frames.map((frame) => `${frame.function} ${placeOf(frame)}`);
  return JSON.stringify([pool, ours, activity, syscall, answered, places]);
}

function groupsOf<T>(all: readonly T[], key: (one: T) => string): T[][] {
  const groups = new Map<string, T[]>();
  for (const one of all) {
    const group = groups.get(key(one)) ?? [];
    group.push(one);
    groups.set(key(one), group);
  }
  return [...groups.values()];
}

function paragraphOf(group: readonly DumpedThread[]): string[] {
  const [first] = group as [DumpedThread];
  const { pool, ours, frames, answered } = first;
  const what = [
    doingOf(first),
    cpuOf(group),
    ...(pool === undefined ? [] : [`pool "${pool}"${tasksOf(group)}`]),
    requestInWords(requestsOf(group)) ?? '',
    ...(ours ? ["the watchdog's own"] : []),
  ];
  const silent = !answered && !ours ? ['    (no answer)'] : [];
  const stack = frames.map(({ code, ...frame }) => {
    const text = code === undefined ? '' : `  ${code.replaceAll('\t', ' ')}`;
    return `    at ${frame.function} (${placeOf(frame)})${text}`;
  });
  const told = what.filter((part) => part !== '').join(', ');
  return [`${whoOf(group)}${told === '' ? '' : `: ${told}`}`, ...silent, ...stack];
}

const placeOf = ({ file, line, column }: Pick<Frame, 'file' | 'line' | 'column'>): string =>
  `${file}:${line}:${column}`;

function whoOf(group: readonly DumpedThread[]): string {
  const names = group.map(({ id, name }) => (name === undefined ? `#${id}` : `"${name}" #${id}`));
  return group.length === 1 ? (names[0] as string) : `${group.length} threads ${names.join(', ')}`;
}

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

function linesOf(systemThreads: readonly SystemThread[]): string[] {
  const groups = groupsOf(systemThreads, ({ name, state, syscall }) =>
    JSON.stringify([name, state, syscall]),
  );
  return [
    `${systemThreads.length} more of the system's:`,
    ...groups.map((group) => {
      const { name, state, syscall } = group[0] as SystemThread;
      const times = group.length === 1 ? '' : `${group.length} × `;
      const call = syscall === undefined ? '' : ` in ${syscall}`;
      return `    ${times}${name}: ${[`${state}${call}`, cpuOf(group)].filter(Boolean).join(', ')}`;
    }),
  ];
}
