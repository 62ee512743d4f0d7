import type { LogFormat } from '../../src/shared/protocol.js';
import type { SlowTask } from '../../src/shared/slow-task.js';
import type { Stall } from '../../src/shared/stall.js';
import type { ThreadDump } from '../../src/shared/thread-dump.js';
import { boundedDump } from '../dump/bounded.js';
import { writeLine } from '../log.js';
import { createJournal, type Journal } from './journal.js';
import { openJournalFile } from './journal-file.js';
import { slowTaskLine } from './slow-task-log.js';
import { createLog, logNews, stallLine } from './stall-log.js';

export interface ReporterOptions {
  readonly now: () => number;
  readonly file: string | undefined;
  readonly log: 'text' | 'json' | undefined;
  /** A line of the file is lost. */
  readonly onFileError: (error: Error, first: boolean) => void;
  /** Tells the main thread. */
  readonly tellMain: (stall: Stall) => void;
  readonly tellMainOfTask: (task: SlowTask) => void;
}

/** A pipe takes 64 KiB at once; what it does not take of a line is lost. */
const LOG_DUMP_MAX_BYTES = 32 * 1024;
const FILE_DUMP_MAX_BYTES = 256 * 1024;

/** Where stalls and slow tasks are written down, and who is told of them. */
export interface Reporter {
  readonly journal: Journal;
  begin(stall: Stall): void;
  end(stall: Stall, profile?: Buffer): void;
  slowTask(task: SlowTask): void;
  /** The loop does not come back; `state` is all that is known besides, and `threads` if there is a dump. */
  hang(stall: Stall, state: object, threads: ThreadDump | undefined): void;
  /** Stalls and slow tasks are told without a stack; each reason is logged once. */
  noStacks(reason: string): void;
}

export function openReporter(options: ReporterOptions): Reporter {
  const journal = createJournal();
  const toFile =
    options.file === undefined ? undefined : openJournalFile(options.file, { onError: options.onFileError });
  const { log: format, now } = options;
  const write = createLog();
  const log = (line: (format: LogFormat, left: number) => string): void => {
    if (format) write(now(), (left) => line(format, left));
  };
  const told = new Set<string>();
  const entry = <T extends object>(type: string, content: T) => ({
    type,
    time: new Date().toISOString(),
    ...content,
  });
  return {
    journal,
    begin: (stall) => toFile?.(entry('begin', { stall })),
    end(stall, profile) {
      journal.add(stall, profile);
      toFile?.(entry('end', { stall }));
      log((as, left) => stallLine(as, stall, left));
      options.tellMain(stall);
    },
    slowTask(task) {
      toFile?.(entry('slow-task', { task }));
      log((as, left) => slowTaskLine(as, task, left));
      options.tellMainOfTask(task);
    },
    noStacks(reason) {
      if (!format || told.has(reason)) return;
      told.add(reason);
      logNews(format, `stalls and slow tasks are told without a stack: ${reason}`);
    },
    hang(stall, state, threads) {
      const report = (maxBytes: number): object =>
        entry('hang', { stall, ...state, ...(threads && { threads: boundedDump(threads, maxBytes) }) });
      toFile?.(report(FILE_DUMP_MAX_BYTES));
      const said = JSON.stringify(report(LOG_DUMP_MAX_BYTES));
      writeLine(`event-loop-watchdog: the event loop does not come back: ${said}`);
    },
  };
}
