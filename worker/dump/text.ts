import { printable } from '../../src/shared/printable.js';
import type { DumpedThread, SystemThread, ThreadDump } from '../../src/shared/thread-dump.js';
import {
  type Group,
  groupSystemThreads,
  groupThreads,
  isSilent,
  placeOf,
  systemInWords,
  whatOf,
  whoOf,
} from './groups.js';

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
    ...groupThreads(threads).flatMap((group) => ['', ...paragraphOf(group)]),
    ...(systemThreads.length === 0 ? [] : ['', ...linesOf(systemThreads)]),
  ];
  return `${lines.map(printable).join('\n')}\n`;
}

function paragraphOf(group: Group<DumpedThread>): string[] {
  const [first] = group;
  const told = whatOf(group);
  const stack = first.frames.map(({ code, ...frame }) => {
    const text = code === undefined ? '' : `  ${code.replaceAll('\t', ' ')}`;
    return `    at ${frame.function} (${placeOf(frame)})${text}`;
  });
  const silent = isSilent(first) ? ['    (no answer)'] : [];
  return [`${whoOf(group)}${told === '' ? '' : `: ${told}`}`, ...silent, ...stack];
}

const linesOf = (systemThreads: readonly SystemThread[]): string[] => [
  `${systemThreads.length} more of the system's:`,
  ...groupSystemThreads(systemThreads).map((group) => `    ${systemInWords(group)}`),
];
