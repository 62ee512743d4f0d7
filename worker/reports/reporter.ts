import type { Stall } from '../../src/shared/stall.js';
import { writeLine } from '../log.js';
import { createJournal, type Journal } from './journal.js';
import { openJournalFile } from './journal-file.js';
import { createStallLog, logNews } from './stall-log.js';

export interface ReporterOptions {
  readonly now: () => number;
  readonly file: string | undefined;
  readonly log: 'text' | 'json' | undefined;
  /** A line of the file is lost. */
  readonly onFileError: (error: Error, first: boolean) => void;
  /** Tells the main thread. */
  readonly tellMain: (stall: Stall) => void;
}

/** Where stalls are written down, and who is told of them. */
export interface Reporter {
  readonly journal: Journal;
  begin(stall: Stall): void;
  end(stall: Stall): void;
  /** The loop does not come back; `state` is all that is known besides. */
  hang(stall: Stall, state: object): void;
  /** Stalls are told without a stack; each reason is logged once. */
  noStacks(reason: string): void;
}

export function openReporter(options: ReporterOptions): Reporter {
  const journal = createJournal();
  const toFile =
    options.file === undefined ? undefined : openJournalFile(options.file, { onError: options.onFileError });
  const log = options.log && createStallLog(options.log);
  const told = new Set<string>();
  const entry = <T extends object>(type: string, content: T) => ({
    type,
    time: new Date().toISOString(),
    ...content,
  });
  return {
    journal,
    begin: (stall) => toFile?.(entry('begin', { stall })),
    end(stall) {
      journal.add(stall);
      toFile?.(entry('end', { stall }));
      log?.(options.now(), stall);
      options.tellMain(stall);
    },
    noStacks(reason) {
      if (!options.log || told.has(reason)) return;
      told.add(reason);
      logNews(options.log, `stalls are told without a stack: ${reason}`);
    },
    hang(stall, state) {
      const report = entry('hang', { stall, ...state });
      toFile?.(report);
      writeLine(`event-loop-watchdog: the event loop does not come back: ${JSON.stringify(report)}`);
    },
  };
}
