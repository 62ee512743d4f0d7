import { CLOCK_OFFSET_MS } from '../shared/clock.js';
import { type POOL, POOL_LEDGER } from '../shared/layout.js';
import { openView, type RegionWriter } from '../shared/regions.js';
import type { SlowWatch, TaskName } from '../shared/slow-task.js';
import type { TaskRecord } from './piscina-inside.js';
import type { ThreadsReading } from './reader.js';

/** So many names of one pool are told apart: few pools have more than one. */
const NAMES_MAX = 64;
const FILE_MAX_CHARS = 1024;
const NAME_MAX_CHARS = 256;

/** What main notes of the threads of a pool whose slow tasks are told. */
export interface SlowNotes {
  write(region: RegionWriter<(typeof POOL)['fields']>, inside: ThreadsReading): void;
  /** Another object whenever a task has a name that none had before. */
  watch(): SlowWatch;
}

/**
 * The sidecar finds the slow tasks, main frozen or not. Main alone knows which task is which, so it notes of
 * each thread the oldest that has not been told, and what it runs: two numbers for each sample.
 * @param ledger where the sidecar says which are told
 */
export function openSlowNotes(
  afterMs: number,
  byDefault: TaskName | undefined,
  ledger: SharedArrayBuffer,
): SlowNotes {
  const told = openView(POOL_LEDGER, ledger);
  /** Number by file, and there by name. */
  const numbers = new Map<unknown, Map<unknown, number>>();
  let watch: SlowWatch = { afterMs, byDefault, names: [] };

  function numberOf(task: TaskRecord): number {
    const known = numbers.get(task.filename)?.get(task.name);
    if (known !== undefined) return known;
    const name = nameOf(task);
    if (!name || watch.names.length === NAMES_MAX) return -1;
    const number = watch.names.length;
    watch = { ...watch, names: [...watch.names, name] };
    numbers.set(name.file, (numbers.get(name.file) ?? new Map()).set(name.name, number));
    return number;
  }

  function toldUntilMs(thread: number, threadId: number | undefined): number {
    const { at, values } = told;
    if (values[at.toldThread + thread] !== threadId) return Number.NEGATIVE_INFINITY;
    return values[at.toldUntilMs + thread] as number;
  }

  return {
    write({ at, values }, inside) {
      inside.threads.forEach(({ threadId }, i) => {
        const next = oldestAfter(toldUntilMs(i, threadId), inside.tasksOf(i));
        values[at.untoldAtMs + i] = next ? next.started + CLOCK_OFFSET_MS : Number.NaN;
        values[at.untoldName + i] = next ? numberOf(next) : -1;
      });
    },
    watch: () => watch,
  };
}

function oldestAfter(momentMs: number, tasks: Iterable<TaskRecord>): TaskRecord | undefined {
  for (const task of tasks) if (task.started + CLOCK_OFFSET_MS > momentMs) return task;
  return undefined;
}

/** @returns `undefined` if there is none, or none that could be told */
export function nameOf({ filename, name }: Pick<TaskRecord, 'filename' | 'name'>): TaskName | undefined {
  if (typeof filename !== 'string' || filename.length > FILE_MAX_CHARS) return undefined;
  if (typeof name !== 'string' || name.length > NAME_MAX_CHARS) return undefined;
  return { file: filename, name };
}
