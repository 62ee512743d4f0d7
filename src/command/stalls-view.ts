import type { HotFrame, StackSample, Stall } from '../shared/stall.js';
import type { Status } from '../shared/status.js';
import { underWay } from './state.js';
import { type Column, tableOf } from './table.js';
import { codeOf, duration, percent, place, plural, request } from './words.js';

/** What `GET /api/stalls` answers. */
export interface StallsAnswer {
  /** Newest first. */
  readonly stalls: readonly Stall[];
  /** Worst first. */
  readonly offenders: readonly Offender[];
}
interface Offender {
  readonly cause: string;
  readonly where?: string;
  readonly count: number;
  readonly totalSeconds: number;
  readonly overSeconds: number;
}

const STALLS_SHOWN = 20;
const OFFENDERS_SHOWN = 5;

const OFFENDERS: readonly Column<Offender>[] = [
  {
    title: 'TOTAL',
    cell: ({ totalSeconds, overSeconds }) => `${overSeconds > 0 ? '≤ ' : ''}${duration(1000 * totalSeconds)}`,
    right: true,
  },
  { title: 'STALLS', cell: ({ count }) => String(count), right: true },
  { title: 'CAUSE', cell: ({ cause }) => cause },
  { title: 'WHERE', cell: ({ where }) => where ?? '-' },
];

/** A sidecar knows none of the stalls that one before it has told, but how many there were. */
function lostOf(status: Status | undefined, known: number): string[] {
  const counted = status?.loops.reduce((sum, { stalls }) => sum + stalls, 0) ?? 0;
  const restarts = status?.process.sidecarRestarts ?? 0;
  if (restarts === 0 || counted <= known) return [];
  return [
    `Those before the sidecar was replaced are not known any more: ${plural(counted, 'stall')} in all.`,
  ];
}

/**
 * Offenders first and the newest stall last: that stands next to the prompt then, where one looks, however
 * short the screen is, as the end of a log does.
 * @param status of the process, where it is known
 * @param target whom the command was told to ask
 */
export function linesOfStalls(
  { stalls, offenders = [] }: StallsAnswer,
  status: Status | undefined,
  target?: string,
): string[] {
  const running = underWay(status);
  const lost = lostOf(status, stalls.length);
  if (stalls.length + running.length === 0) return lost.length > 0 ? lost : ['There has been no stall yet.'];
  const shown = [...stalls.slice(0, STALLS_SHOWN).toReversed(), ...running];
  const left = stalls.length - STALLS_SHOWN;
  return [
    ...(offenders.length === 0
      ? []
      : ['Worst offenders', ...tableOf(OFFENDERS, offenders.slice(0, OFFENDERS_SHOWN)), '']),
    `Latest stalls${left > 0 ? `, without ${left} older ones (--json has them)` : ''}`,
    ...tableOf(columnsOf(shown, running), shown),
    ...lost,
    '',
    `All of one: event-loop-watchdog stalls ${shown.at(-1)?.id}${also(target)}`,
  ];
}

function columnsOf(shown: readonly Stall[], running: readonly Stall[]): Column<Stall>[] {
  const days = new Set(shown.map(({ startedAt }) => startedAt.slice(0, 10)));
  const threads: Column<Stall> = { title: 'THREAD', cell: ({ thread }) => thread };
  return [
    {
      title: 'STARTED (UTC)',
      cell: ({ startedAt }) => startedAt.slice(days.size > 1 ? 0 : 11, 19).replace('T', ' '),
    },
    {
      title: 'LENGTH',
      cell: (stall) => `${duration(stall.durationMs)}${running.includes(stall) ? ' so far' : ''}`,
      right: true,
    },
    { title: 'CAUSE', cell: ({ cause }) => cause },
    ...(shown.some(({ thread }) => thread !== 'main') ? [threads] : []),
    { title: 'ID', cell: ({ id }) => id },
    { title: 'WHERE, REQUEST', cell: whereOf },
  ];
}

/** In short: the line to blame, and the request that was seen most. */
export function whereOf({ culprit, requests = [] }: Stall): string {
  const [most] = requests;
  return [...(culprit ? [place(culprit, true)] : []), ...(most ? [request(most, true)] : [])].join(', ');
}

const also = (target: string | undefined): string => (target === undefined ? '' : ` ${target}`);

/** All that is known of one. */
export function linesOfStall(stall: Stall, running: boolean, target?: string): string[] {
  const { id, thread, startedAt, durationMs, culprit, hot = [], requests = [], samples, stacks } = stall;
  return [
    `Stall ${id} of ${thread}`,
    ...fact('started', startedAt),
    ...fact('length', `${duration(durationMs)}${running ? ' so far' : ''}`),
    ...fact('cause', `${stall.cause}${accountOf(stall)}`),
    ...fact('state', ...stateOf(stall)),
    ...fact('culprit', ...(culprit ? [place(culprit), ...(culprit.code ? [`  ${culprit.code}`] : [])] : [])),
    ...fact(
      'request',
      ...requests.map((one) => `${request(one)}, in ${one.samples} of ${samples ?? '?'} samples`),
    ),
    ...fact('hot', ...hot.map(hotLine)),
    ...stacks.flatMap((sample) => ['', ...linesOfSample(sample)]),
    ...(samples === undefined || running
      ? []
      : [
          '',
          `Its ${plural(samples, 'sample')} as a CPU profile: event-loop-watchdog profile --stall ${id}${also(target)}`,
        ]),
  ];
}

/** Its name stands before the first line; without a line there is none. */
const fact = (name: string, ...lines: string[]): string[] =>
  lines.map((line, i) => `  ${(i > 0 ? '' : name).padEnd(9)}${line}`);

function accountOf({ cpuMs, runQueueMs, sleepMs, gcMs, suspendedMs, nativeMs }: Stall): string {
  const parts = [
    ['on a CPU', cpuMs],
    ['waiting for one', runQueueMs],
    ['asleep', sleepMs],
    ['in garbage collection', gcMs],
    ['stood still', suspendedMs],
    ['in native code', nativeMs],
  ] as const;
  const told = parts.flatMap(([what, ms = 0]) => (ms >= 0.5 ? `${duration(ms)} ${what}` : []));
  return told.length === 0 ? '' : `: ${told.join(', ')}`;
}

function stateOf({ state, syscall }: Stall): string[] {
  const call = syscall === undefined ? '' : ` in ${syscall}`;
  return state === undefined ? [] : [`${state}${call}`];
}

const hotLine = ({ frame, share }: HotFrame): string =>
  `${percent(share).padStart(5)}  ${place(frame)}${codeOf(frame)}`;

function linesOfSample({ atMs, result, frames, nativeMs }: StackSample): string[] {
  const native = nativeMs === undefined ? '' : `, native code for ${duration(nativeMs)}`;
  return [
    `  after ${duration(atMs)}: ${result}${native}`,
    ...frames.map((frame) => `    at ${place(frame)}${codeOf(frame)}`),
  ];
}
