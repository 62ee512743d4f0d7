import type { Cause } from './layout.js';

/** Where the sidecar listens. */
export interface Address {
  /** IP address bound to. */
  readonly host: string;
  readonly port: number;
  /** Base URL for a client on this host, such as `http://127.0.0.1:9464`. */
  readonly url: string;
}

/** A finished stall of an event loop. */
export interface Stall {
  /** Unique within the process: `<thread>-<turn>`. */
  readonly id: string;
  readonly thread: string;
  readonly cause: Cause;
  /** ISO 8601 time at which the turn began to hold the loop. */
  readonly startedAt: string;
  /** Milliseconds for which the turn held the loop, without time in `pause()`. */
  readonly durationMs: number;
}

/** The part of the options that the sidecar needs; all of it survives structured cloning. */
export interface SidecarOptions {
  readonly port: number;
  /** `undefined`: all interfaces. */
  readonly host: string | undefined;
  readonly heartbeatInterval: number;
  readonly stallThreshold: number;
  readonly labels: Readonly<Record<string, string>>;
  readonly relay: boolean;
}

/** Response and request counters of a Piscina thread: 0 requests handed to it, 1 responses it gave. */
export type ThreadCounters = Int32Array;

/** All that the sidecar must know of a pool besides its shared numbers. */
export interface PoolEntry {
  /** Distinguishes a pool from an earlier one of the same name. */
  readonly id: number;
  readonly name: string;
  readonly memory: SharedArrayBuffer;
  readonly ledger: SharedArrayBuffer;
  /** `undefined` where the pool does not let us see its threads' counters, or not all of them. */
  readonly threads: readonly ThreadCounters[] | undefined;
  /** Compared with the pool's `threadsVersion`: the counters count only while both speak of the same set. */
  readonly threadsVersion: number;
}

/** What a sidecar is born with. The ports are the two directions of control, one channel each. */
export interface SidecarData {
  readonly options: SidecarOptions;
  readonly memory: {
    readonly heart: SharedArrayBuffer;
    readonly ring: SharedArrayBuffer;
    readonly house: SharedArrayBuffer;
    readonly ledger: SharedArrayBuffer;
  };
  readonly pools: readonly PoolEntry[];
  readonly resourceTypes: readonly string[];
  readonly control: import('node:worker_threads').MessagePort;
  readonly host: import('node:worker_threads').MessagePort;
}

/** What main may ask of the sidecar. */
export interface Control {
  /** Resolves once the sidecar listens; rejects with the reason why it cannot. */
  ready(): Promise<Address>;
  setPool(entry: PoolEntry): void;
  removePool(id: number): void;
  setResourceTypes(names: readonly string[]): void;
  /** The text of `/metrics`. */
  metrics(): Promise<string>;
  /** Closes the server and its connections. */
  close(): Promise<void>;
}

/** What the sidecar may ask of main. */
export interface Host {
  /** The app's own registry as text, with its content type. */
  relay(): Promise<{ readonly text: string; readonly contentType: string }>;
  stall(stall: Stall): void;
}
