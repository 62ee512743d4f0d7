import {
  GC,
  HEART,
  type HeartValues,
  LOOP_LEDGER,
  type LoopMemory,
  openReader,
  RESOURCES,
  type ResourceValues,
  RING,
} from '../../src/shared/layout.js';
import type { Stall } from '../../src/shared/protocol.js';
import { type LoopLedger, openLedger } from '../counters.js';
import { createInvestigator, type InvestigatorOptions } from '../stalls/investigate.js';
import { openThread, type ThreadReader, type ThreadTimes } from '../system/thread.js';

/** What the metrics of one scrape need to know of a loop. */
export interface LoopView {
  /** The same object for the life of the loop. */
  readonly labels: { readonly thread: string };
  readonly heart: HeartValues;
  readonly ledger: LoopLedger;
  readonly resources: ResourceValues;
  /** Names of the places in `resources.counts`. */
  readonly resourceTypes: readonly string[];
  /** `undefined` where the system keeps no such accounts. */
  readonly times: ThreadTimes | undefined;
}

/** An event loop under watch: main's, or that of another thread. */
export interface Loop {
  readonly name: string;
  heart(): HeartValues;
  /** Brings its stalls up to date with this moment. Returns what was seen. */
  look(nowMs: number): {
    readonly heart: HeartValues;
    readonly stall: Stall | undefined;
    /** A stall is under way or has just been: the next look should come soon. */
    readonly alert: boolean;
  };
  /** As of the last look. */
  view(): LoopView;
  /** The loop is no more: tells of what has come up, also of a stall that its end cut short. */
  end(nowMs: number): void;
  setResourceTypes(names: readonly string[]): void;
}

export interface LoopOptions
  extends Omit<InvestigatorOptions, 'ledger' | 'thread' | 'readHeart' | 'readRing' | 'readGc'> {
  readonly memory: LoopMemory;
  /** Where the system keeps the thread's accounts, such as `/proc/self/task/4711`; `undefined`: nowhere. */
  readonly taskDirectory: string | undefined;
  readonly resourceTypes: readonly string[];
}

const NO_ACCOUNTS: ThreadReader = { times: () => undefined, state: () => undefined };

export function watchLoop({ memory, taskDirectory, ...options }: LoopOptions): Loop {
  const heart = openReader(HEART, memory.heart);
  const readResources = openReader(RESOURCES, memory.resources);
  const ledger = openLedger(LOOP_LEDGER, memory.ledger);
  const thread = taskDirectory === undefined ? NO_ACCOUNTS : openThread(taskDirectory);
  const investigator = createInvestigator({
    ...options,
    ledger,
    thread,
    readHeart: heart,
    readRing: openReader(RING, memory.ring),
    readGc: openReader(GC, memory.gc),
  });
  const labels = { thread: options.name };
  let { resourceTypes } = options;
  let seen = heart();
  return {
    name: options.name,
    heart,
    look(nowMs) {
      seen = heart();
      const stall = investigator.observe(nowMs, seen);
      return { heart: seen, stall, alert: investigator.isAlert(nowMs) };
    },
    view: () => ({
      labels,
      heart: seen,
      ledger,
      resources: readResources(),
      resourceTypes,
      times: thread.times(),
    }),
    end: (nowMs) => investigator.end(nowMs, heart()),
    setResourceTypes(names) {
      resourceTypes = names;
    },
  };
}
