import { fullness } from '../shared/figures.js';
import type { LoopState, LoopStatus, PoolStatus } from '../shared/status.js';
import type { Process } from './processes.js';
import { whereOf } from './stalls-view.js';
import { type Column, shortened, tableOf } from './table.js';
import { bytes, duration, percent, plural } from './words.js';

/** An event loop; or a process of which nothing is known. */
interface Row {
  readonly process: Process;
  readonly loop: LoopStatus | undefined;
}

export interface Look {
  /** Without it lines are as long as they need to be. */
  readonly width?: number;
  /** Lines that there is room for. */
  readonly height?: number;
  readonly color?: boolean;
}

/** The worst first. */
const STATES = ['blocked', 'silent', 'late', 'starting', 'paused', 'turning'] as const;
type State = LoopState | 'silent';
const stateOf = ({ loop }: Row): State => loop?.state ?? 'silent';

/** Bold red: look here. Yellow: about to be. The word says it, too. */
const COLORS: Readonly<Partial<Record<State, string>>> = { blocked: '1;31', silent: '1;31', late: '33' };
const painted = (row: Row, text: string): string => {
  const color = COLORS[stateOf(row)];
  return color === undefined ? text : `\u001b[${color}m${text}\u001b[0m`;
};

/** The heading and the table of all processes. */
export function linesOfTop(processes: readonly Process[], heading: string, look: Look): string[] {
  const { width = Number.POSITIVE_INFINITY, height = Number.POSITIVE_INFINITY } = look;
  const rows = processes.flatMap(rowsOf);
  const head = [shortened(`${summaryOf(processes, rows)}  ${heading}`.trimEnd(), width), ''];
  const room = height - head.length - 1;
  const fits = rows.length <= room;
  const shown = fits ? rows : troubledFirst(rows).slice(0, Math.max(0, room - 1));
  const left = rows.length - shown.length;
  return [
    ...head,
    ...tableOf(columnsOf(rows, look.color ?? false), shown, width),
    ...(fits ? [] : [shortened(`… and ${left} more, for which the screen is too low`, width)]),
  ].slice(0, height);
}

/** Of one that is silent no figure is shown: it would look like one of now. */
function rowsOf(process: Process): Row[] {
  const loops = process.trouble === undefined ? process.status?.loops : undefined;
  return (loops ?? [undefined]).map((loop) => ({ process, loop }));
}

function summaryOf(processes: readonly Process[], rows: readonly Row[]): string {
  const apps = [...new Set(processes.map(({ app }) => app))].join(', ');
  const states = STATES.flatMap((state) => {
    const count = rows.filter((row) => stateOf(row) === state).length;
    return count > 0 ? `${count} ${state}` : [];
  });
  return `${apps}: ${plural(processes.length, 'process', 'processes')}, ${states.join(', ')}`;
}

/** Where not all can be shown, those that somebody looks for; else each stays where it is. */
function troubledFirst(rows: readonly Row[]): Row[] {
  const isCalm = (row: Row): number => (stateOf(row) === 'turning' ? 1 : 0);
  return rows.toSorted((a, b) => isCalm(a) - isCalm(b));
}

/** Names may have 64 characters. */
const NAME_MAX = 24;
const threadColumn: Column<Row> = {
  title: 'THREAD',
  cell: ({ loop }) => shortened(loop?.thread ?? '', NAME_MAX),
};
const poolColumn: Column<Row> = {
  title: 'POOL',
  cell: ofMain(({ status }) => fullest(status?.pools)),
  least: 12,
  drop: 4,
};
const rssOf = ({ status }: Process): string => bytes(status?.process.residentBytes);

function columnsOf(rows: readonly Row[], color: boolean): Column<Row>[] {
  const threads = rows.some(({ loop }) => loop !== undefined && loop.thread !== 'main');
  const pools = rows.some(({ process }) => (process.status?.pools.length ?? 0) > 0);
  return [
    { title: 'PID', cell: ({ process }) => process.pid, right: true },
    { title: 'PORT', cell: ({ process }) => process.url.port, right: true },
    { title: 'APP', cell: ({ process }) => shortened(process.app, NAME_MAX), drop: 6 },
    ...(threads ? [threadColumn] : []),
    { title: 'STATE', cell: stateOf, least: 8, ...(color && { paint: painted }) },
    { title: 'LAG', cell: ({ loop }) => lagOf(loop, 'lagMs'), least: 7, right: true },
    { title: 'MAX 60s', cell: ({ loop }) => lagOf(loop, 'lagMaxMs'), least: 7, right: true, drop: 1 },
    { title: 'UTIL', cell: ({ loop }) => percent(loop?.utilization), least: 5, right: true, drop: 2 },
    { title: 'STALLS', cell: ({ loop }) => String(loop?.stalls ?? '-'), right: true, drop: 3 },
    ...(pools ? [poolColumn] : []),
    { title: 'RSS', cell: ofMain(rssOf), least: 7, right: true, drop: 5 },
    { title: 'NOW', cell: nowOf },
  ];
}

/** Of a loop that has not turned yet nothing is known. */
const lagOf = (loop: LoopStatus | undefined, which: 'lagMs' | 'lagMaxMs'): string =>
  duration(loop?.state === 'starting' ? undefined : loop?.[which]);

/** What is the process's, and not a loop's, stands in its first line only. */
function ofMain(cell: (process: Process) => string): (row: Row) => string {
  return ({ process, loop }) => {
    if (loop === undefined) return '-';
    return loop === process.status?.loops[0] ? cell(process) : '';
  };
}

function fullest(pools: readonly PoolStatus[] = []): string {
  const [worst] = pools.toSorted((a, b) => fullness(b) - fullness(a));
  if (!worst) return '-';
  const { name, active, capacity, queued = 0 } = worst;
  return `${shortened(name, NAME_MAX)} ${active ?? '?'}/${capacity ?? '-'}${queued > 0 ? ` +${queued}` : ''}`;
}

function nowOf({ process, loop }: Row): string {
  if (process.trouble !== undefined) return process.trouble;
  if (!loop) return 'no answer yet';
  if (!loop.stall) return '';
  const where = whereOf(loop.stall);
  return `${loop.stall.cause}${where === '' ? '' : ` in ${where}`}`;
}
