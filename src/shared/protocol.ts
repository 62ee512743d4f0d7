import type { Histogram } from 'node:perf_hooks';
import type { LoopMemory } from './layout.js';
import type { SlowTask, SlowWatch } from './slow-task.js';
import type { Stall } from './stall.js';

/** `globalThis[Symbol.for(this)]` is the running watchdog: bundlers may load this package twice. */
export const RUNNING_KEY = 'event-loop-watchdog';

/** `globalThis[Symbol.for(this)]`, in a worker thread, is what it says of itself when it is looked at. */
export const THREAD_KEY = 'event-loop-watchdog:thread';

/**
 * `globalThis[Symbol.for(this)]` of a thread under watch is its {@link ContextReader}; `false`: nothing is to
 * be known of its requests.
 */
export const CONTEXT_KEY = 'event-loop-watchdog:context';

/** What a thread says of the request that it is at, when it is looked at. */
export interface ContextReader {
  /** The turn in progress. */
  turn(): number;
  /** What the app's own function says, as JSON: see `loop/context.ts`. */
  read?(): string | undefined;
}

/** Where the sidecar listens. */
export interface Address {
  /** IP address bound to. */
  readonly host: string;
  /** 1 to 65535: the one that was taken, where the option was 0. */
  readonly port: number;
  /** Base URL for a client on this host, such as `http://127.0.0.1:9464`. */
  readonly url: string;
}

/** What to do about a loop that does not come back. */
export interface HangOptions {
  /** Milliseconds. */
  readonly after: number;
  readonly action: 'report' | 'kill';
  readonly signal: NodeJS.Signals;
}

/** From when on this process should get no more work. */
export interface ReadinessLimits {
  /** Milliseconds that the loop is late. */
  readonly maxLag: number;
  /** Tasks that wait in any pool. */
  readonly maxQueued: number;
  /** Milliseconds for which all limits must be kept until the process is ready again. */
  readonly recovery: number;
}

/** Paths of PEM files; with `ca` only clients with a certificate of that authority are let in. */
export interface TlsFiles {
  readonly key: string;
  readonly cert: string;
  readonly ca?: string | undefined;
}

/** Where stalls are logged by the sidecar; a function of the app's is called by main instead. */
export type LogFormat = 'text' | 'json';

export interface DirectoryOptions {
  /** The system's directory for temporary files. */
  readonly root: string;
  /** Index of this process among those of the app, from 0. */
  readonly instance: number | undefined;
}

/** What the sidecar cannot find out by itself. */
export interface ProcessFacts {
  /** The thread under watch as the system knows it; `undefined` if it is not the main thread. */
  readonly threadId: number | undefined;
  /** Why the sidecar may not look into it, if so; see `src/sidecar/inspectable.ts`. */
  readonly notInspectable: string | undefined;
  /** The app's entry file, by which it is named. */
  readonly entry: string | undefined;
  /** Threads of libuv's pool, as configured. */
  readonly threadpoolSize: number;
  /** When the process began, by the wall clock, in milliseconds since 1970. */
  readonly processStartedAtMs: number;
}

/** The part of the options that the sidecar needs; all of it survives structured cloning. */
export interface SidecarOptions extends ProcessFacts {
  readonly port: number;
  /** `undefined`: all interfaces. */
  readonly host: string | undefined;
  readonly heartbeatInterval: number;
  readonly stallThreshold: number;
  /** Bounds of the histogram of a loop's delay, in milliseconds, ascending. */
  readonly delayBuckets: readonly number[];
  readonly labels: Readonly<Record<string, string>>;
  readonly relay: boolean;
  /** Whether what prom-client's `collectDefaultMetrics()` tells is told, by the same names. */
  readonly processMetrics: boolean;
  /** Milliseconds after which a stall's stack is taken; `undefined`: never. */
  readonly capture: number | undefined;
  readonly sourceLines: boolean;
  /** Whether it is asked which request runs. */
  readonly context: boolean;
  readonly journal: string | undefined;
  readonly log: LogFormat | undefined;
  readonly hang: HangOptions | undefined;
  readonly livenessTimeout: number;
  readonly readiness: ReadinessLimits | undefined;
  readonly token: string | undefined;
  readonly tokenFile: string | undefined;
  /** Whether `/metrics` asks for the token. */
  readonly guardMetrics: boolean;
  readonly allowedHosts: readonly string[];
  readonly tls: TlsFiles | undefined;
  /** Where the processes of the app find each other; `undefined`: they need not. */
  readonly directory: DirectoryOptions | undefined;
}

/**
 * Request and response counters of a Piscina thread: 0 requests handed to it, 1 responses it gave. They wrap.
 */
export type ThreadCounters = Int32Array;

/** A thread of a Piscina pool. */
export interface PoolThread {
  readonly counters: ThreadCounters;
  /** As `node:worker_threads` counts; `undefined` if the pool does not let us see it. */
  readonly threadId: number | undefined;
}

/** All that the sidecar must know of a pool besides its shared numbers. */
export interface PoolEntry {
  /** Distinguishes a pool from an earlier one of the same name. */
  readonly id: number;
  readonly name: string;
  readonly memory: SharedArrayBuffer;
  readonly ledger: SharedArrayBuffer;
  /** `undefined` where the pool does not let us see its threads' counters, or not all of them. */
  readonly threads: readonly PoolThread[] | undefined;
  /** Compared with the pool's `threadsVersion`: the counters count only while both speak of the same set. */
  readonly threadsVersion: number;
  /**
   * Piscina's own records of its tasks' times, in microseconds: what main records in them is seen in their
   * copies, too.
   */
  readonly times: { readonly run: Histogram; readonly wait: Histogram } | undefined;
  /** `undefined`: its tasks may take as long as they like. */
  readonly slow: SlowWatch | undefined;
}

/** What a sidecar is born with. The ports are the two directions of control, one channel each. */
export interface SidecarData {
  readonly options: SidecarOptions;
  /** Same for all sidecars of one watchdog, one after another. */
  readonly watchdogId: string;
  readonly loop: LoopMemory;
  readonly memory: {
    readonly processState: SharedArrayBuffer;
    readonly ledger: SharedArrayBuffer;
    readonly interlock: SharedArrayBuffer;
  };
  readonly pools: readonly PoolEntry[];
  readonly resourceTypes: readonly string[];
  readonly control: import('node:worker_threads').MessagePort;
  readonly host: import('node:worker_threads').MessagePort;
}

/**
 * What is relayed of the app's own registry at most, in MiB of UTF-8. It travels as bytes that are handed
 * over, not copied: they lie outside of the sidecar's heap.
 */
export const RELAY_MAX_MIB = 16;

/** What the app's own registry says. */
export type RelayAnswer = {
  /** For how long main's loop was busy over it, in milliseconds. */
  readonly costMs: number;
} & (
  | {
      readonly text: Uint8Array<ArrayBuffer>;
      readonly contentType: string;
      /** Families that were too many for the limit. */
      readonly leftOut: number;
    }
  | { readonly fault: string }
);

/** What main may ask of the sidecar. */
export interface Control {
  /** Resolves once the sidecar listens; rejects with the reason why it cannot. */
  ready(): Promise<Address>;
  setPool(entry: PoolEntry): void;
  removePool(id: number): void;
  setResourceTypes(names: readonly string[]): void;
  /** The text of `/metrics`, in UTF-8. */
  metrics(): Promise<Uint8Array<ArrayBuffer>>;
  /** Closes the server and its connections. */
  close(): Promise<void>;
}

/** What the sidecar may ask of main. */
export interface Host {
  relay(): Promise<RelayAnswer>;
  stall(stall: Stall): void;
  slowTask(task: SlowTask): void;
  /** Says something once, as a process warning. */
  warn(message: string): void;
}

/**
 * `BroadcastChannel` on which other threads join the sidecar. Main has no part in it: it may be blocked just
 * then. A thread asks, gets the settings, begins to beat, and joins with its memory.
 */
export const THREADS_CHANNEL = 'event-loop-watchdog:threads';

/** What a thread says. */
export type ThreadMessage =
  | { readonly type: 'ask'; readonly thread: string; readonly name: string }
  | {
      readonly type: 'join';
      readonly thread: string;
      readonly name: string;
      /** As `node:worker_threads` counts. */
      readonly threadId: number;
      readonly task: Task | undefined;
      readonly watchdog: string;
      readonly memory: LoopMemory;
      readonly resourceTypes: readonly string[];
    }
  | { readonly type: 'types'; readonly thread: string; readonly resourceTypes: readonly string[] }
  | { readonly type: 'leave'; readonly thread: string };

/** A thread as Linux knows it. */
export interface Task {
  /** Such as `/proc/self/task/4711`. */
  readonly directory: string;
  /** When it began, as the system counts it: another thread may get the same number later. */
  readonly startedAt: string;
}

/** What a sidecar says; of what is not for all, `thread` tells for whom. */
export type SidecarMessage =
  | { readonly type: 'sidecar-up'; readonly watchdog: string }
  | { readonly type: 'watchdog-closed'; readonly watchdog: string }
  /** A thread has left: who was refused may ask again. */
  | { readonly type: 'slot-free' }
  | {
      readonly type: 'settings';
      readonly watchdog: string;
      readonly thread: string;
      readonly heartbeatInterval: number;
      readonly stallThreshold: number;
      readonly delayBuckets: readonly number[];
    }
  | { readonly type: 'joined'; readonly watchdog: string; readonly thread: string }
  | {
      readonly type: 'refused';
      readonly watchdog: string;
      readonly thread: string;
      readonly code:
        | 'ERR_WATCHDOG_TOO_MANY_THREADS'
        | 'ERR_WATCHDOG_DUPLICATE_THREAD'
        | 'ERR_WATCHDOG_UNWATCHABLE_THREAD';
      readonly message: string;
    };
