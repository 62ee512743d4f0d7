import { bytes, duration, percent } from '../../src/shared/figures.js';
import { printable } from '../../src/shared/printable.js';
import type { Stall } from '../../src/shared/stall.js';
import type { LoopStatus, PoolStatus, Status } from '../../src/shared/status.js';
import { stallInWords } from './sentence.js';

/** Stalls that are told; `/api/stalls` has a hundred. */
const STALLS_MAX = 10;

const OPEN_ROUTES = [
  ['GET /metrics', 'metrics for Prometheus'],
  ['GET /livez', 'whether a restart would help'],
  ['GET /readyz', 'whether it should get work'],
  ['GET /healthz', 'its state in short, as JSON'],
] as const;

const GUARDED_ROUTES = [
  ['GET /api/state', 'what is above, as JSON'],
  ['GET /api/history', 'the last 15 minutes, second by second'],
  ['GET /api/stalls', 'the last stalls with their evidence, and the worst offenders'],
  ['GET /api/stalls/:id', 'one of them; with /profile its samples, as a .cpuprofile'],
  ['GET /sd', 'the processes of the app on this host, for Prometheus'],
  ['POST /debug/threads', 'what each thread does now, and where'],
  ['POST /debug/stack', "one thread's stack now; ?thread=name"],
  ['POST /debug/cpu-profile', 'a .cpuprofile; ?seconds=5&thread=name'],
] as const;

/** What the page shows, for a terminal. No line of it is made by what an app says of itself. */
export function textOfStatus(status: Status, stalls: readonly Stall[]): string {
  return textOf([
    status.sentence,
    '',
    ofProcess(status),
    ...part('Event loops', status.loops.map(ofLoop)),
    ...part('Pools', status.pools.map(ofPool)),
    ...part("libuv's pool", [ofThreadpool(status)]),
    ...part('Latest stalls', [...stalls.slice(0, STALLS_MAX).map(ofStall), ...ofLost(status, stalls)]),
    ...part('Routes', table([...GUARDED_ROUTES, ...OPEN_ROUTES])),
  ]);
}

/** For strangers. */
export function textOfIndex(): string {
  return textOf([
    'event-loop-watchdog',
    '',
    ...table(OPEN_ROUTES),
    '',
    'The other routes, and the status page here, are for this host, or for who has the token.',
  ]);
}

const textOf = (lines: readonly string[]): string => `${lines.map(printable).join('\n')}\n`;

function part(title: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : ['', title, ...lines.map((line) => `  ${line}`)];
}

function table(rows: readonly (readonly string[])[]): string[] {
  const widths = rows.reduce<number[]>(
    (most, row) => row.map((cell, i) => Math.max(most[i] ?? 0, printable(cell).length)),
    [],
  );
  return rows.map((row) =>
    row
      .map((cell, i) => cell.padEnd(widths[i] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}

function ofProcess({ at, process }: Status): string {
  const { app, pid, nodeVersion, watchdogVersion, startedAt, residentBytes, sidecarRestarts } = process;
  return [
    `${app}, process ${pid}`,
    `Node.js ${nodeVersion}`,
    `event-loop-watchdog ${watchdogVersion}`,
    `up ${duration(Date.parse(at) - Date.parse(startedAt))}`,
    ...(residentBytes === undefined ? [] : [`${bytes(residentBytes)} resident`]),
    ...(sidecarRestarts === 0
      ? []
      : [`sidecar replaced ${sidecarRestarts === 1 ? 'once' : `${sidecarRestarts} times`}`]),
    `at ${at}`,
  ].join(', ');
}

function ofLoop({ thread, state, heap, utilization, ...loop }: LoopStatus): string {
  return [
    `${thread}: ${state}`,
    // Of a loop that has not turned nothing is known.
    ...(state === 'starting'
      ? []
      : [`late by ${duration(loop.lagMs)}`, `at most ${duration(loop.lagMaxMs)} in the last minute`]),
    ...(utilization === undefined ? [] : [`${percent(utilization)} utilised`]),
    `${loop.stalls} ${loop.stalls === 1 ? 'stall' : 'stalls'} (${duration(loop.stallSeconds * 1000)})`,
    ...(heap ? [`heap ${bytes(heap.usedBytes)} of ${bytes(heap.limitBytes)}`] : []),
  ].join(', ');
}

function ofPool({ name, ...pool }: PoolStatus): string {
  const { active, capacity, queued, completed, threads, oldestTaskMs, dispatchBlockedSeconds = 0 } = pool;
  const told = (value: number | string | undefined, what: string): string[] =>
    value === undefined ? [] : [`${value} ${what}`];
  const facts = [
    ...told(capacity === undefined ? active : `${active ?? '?'} of ${capacity}`, 'active'),
    ...told(queued, 'queued'),
    ...told(completed, 'finished'),
    ...told(threads, 'threads'),
    ...(oldestTaskMs ? [`oldest task ${duration(oldestTaskMs)}`] : []),
    ...(dispatchBlockedSeconds > 0
      ? [`nothing handed out for ${duration(dispatchBlockedSeconds * 1000)}`]
      : []),
  ];
  return `${name}: ${facts.length === 0 ? 'nothing is known of it' : facts.join(', ')}`;
}

function ofThreadpool({ threadpool: { size, queueDelayMs, pendingMs } }: Status): string {
  return [
    `${size} threads`,
    ...(queueDelayMs === undefined ? [] : [`the latest task waited ${duration(queueDelayMs)} for one`]),
    ...(pendingMs === undefined ? [] : [`one waits now for ${duration(pendingMs)}`]),
  ].join(', ');
}

/** A sidecar that has taken the place of another knows how many there were before, and no more of them. */
function ofLost({ loops, process }: Status, { length }: { readonly length: number }): string[] {
  const counted = loops.reduce((sum, loop) => sum + loop.stalls, 0);
  return process.sidecarRestarts > 0 && counted > length
    ? ['What was known of those before went with the sidecar that was replaced.']
    : [];
}

function ofStall(stall: Stall): string {
  const thread = stall.thread === 'main' ? '' : `${stall.thread}: `;
  return `${stall.startedAt}  ${stall.id}  ${thread}${stallInWords(stall)}`;
}
