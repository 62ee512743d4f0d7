import { closeSync, openSync, readdirSync, readlinkSync, readSync } from 'node:fs';

/** How often it is looked, at most. */
const LOOK_EVERY_MS = 500;
const CHUNK_BYTES = 65_536;
/** Of connections in all tables together, so much is read: some 100,000 of them. */
const TABLE_MAX_BYTES = 16 * 2 ** 20;
/** States in the kernel's tables. */
const LISTENS = '0A';
const CONNECTED = '01';

/** A TCP socket in the tables of `/proc`. */
export interface Socket {
  readonly state: string;
  readonly port: number;
  /** Distinguishes it from all others of the machine. */
  readonly inode: string;
}

/** What the system tells of sockets. */
export interface SocketReader {
  /** Those that listen, or all. `undefined` where the system does not tell. */
  read(which: 'listening' | 'all'): readonly Socket[] | undefined;
  /** Whether it is this process's. */
  isOurs(inode: string): boolean;
}

export interface DebuggerWatchOptions {
  readonly now: () => number;
  /** The port that main's inspector has, or would have if SIGUSR1 opened it; 0: any. */
  readonly debugPort: () => number;
  /** Whether it was open when main turned last. */
  readonly inspectorOpen: () => boolean;
  readonly sockets?: SocketReader;
}

/**
 * Tells whether a debugger is attached to the process, without main, which may be frozen or stopped at a
 * breakpoint. An open port is none yet: error trackers open one and leave it open. A debugger is somebody who
 * is connected to it. Where the system does not list connections (others than Linux), the open port is taken
 * for one.
 */
export interface DebuggerWatch {
  /**
   * For how long there has been no debugger, as far as was looked, in milliseconds; 0: one is attached;
   * Infinity: none ever was. What it kept the loop for is not the app's doing.
   */
  awayMs(): number;
  /**
   * To be told with each sample of main whether its loop stands: from then on nobody but the system, upon
   * SIGUSR1, opens a port that is not known beforehand.
   */
  note(stalled: boolean): void;
}

export function watchDebugger({
  now,
  debugPort,
  inspectorOpen,
  sockets = SYSTEM,
}: DebuggerWatchOptions): DebuggerWatch {
  let lookedMs = Number.NEGATIVE_INFINITY;
  let seenMs = Number.NEGATIVE_INFINITY;
  /** The sockets of the machine that listened when the stall was first seen. */
  let before: ReadonlySet<string> | undefined;

  const listening = (): readonly Socket[] | undefined => sockets.read('listening');

  function isAttached(): boolean {
    const listeners = listening();
    if (listeners === undefined) return inspectorOpen();
    const port = debugPort();
    const ports = new Set(
      listeners
        .filter((one) => (port === 0 ? before !== undefined && !before.has(one.inode) : one.port === port))
        .map((one) => one.port),
    );
    if (ports.size === 0) return false;
    const all = sockets.read('all') ?? [];
    return all.some((one) => one.state === CONNECTED && ports.has(one.port) && sockets.isOurs(one.inode));
  }

  return {
    awayMs() {
      const nowMs = now();
      if (nowMs - lookedMs >= LOOK_EVERY_MS) {
        lookedMs = nowMs;
        if (isAttached()) seenMs = nowMs;
      }
      // As it was when it was looked last.
      return seenMs === lookedMs ? 0 : nowMs - seenMs;
    },
    note(stalled) {
      if (!stalled) before = undefined;
      else if (debugPort() === 0) before ??= new Set(listening()?.map((one) => one.inode));
    },
  };
}

const SYSTEM: SocketReader = {
  read(which) {
    try {
      return ['tcp', 'tcp6'].flatMap((table) => readTable(`/proc/self/net/${table}`, which));
    } catch {
      // Not Linux, or hidden.
      return undefined;
    }
  },
  isOurs(inode) {
    const link = `socket:[${inode}]`;
    try {
      return readdirSync('/proc/self/fd').some((fd) => linkOf(fd) === link);
    } catch {
      // No descriptor to be had for a look at the descriptors. What may be a debugger is spared.
      return true;
    }
  },
};

function linkOf(fd: string): string | undefined {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`);
  } catch {
    // Closed meanwhile.
    return undefined;
  }
}

/** The sockets of one table. Those that listen come first: who wants no more need not read a long list. */
function readTable(file: string, which: 'listening' | 'all'): Socket[] {
  const sockets: Socket[] = [];
  for (const line of linesOf(file)) {
    const socket = socketOf(line);
    if (!socket) continue;
    if (which === 'listening' && socket.state !== LISTENS) break;
    sockets.push(socket);
  }
  return sockets;
}

function* linesOf(file: string): Generator<string> {
  const chunk = Buffer.alloc(CHUNK_BYTES);
  const fd = openSync(file, 'r');
  try {
    let rest = '';
    for (let total = 0, read = -1; read !== 0 && total < TABLE_MAX_BYTES; total += read) {
      read = readSync(fd, chunk, 0, CHUNK_BYTES, null);
      const lines = (rest + chunk.toString('latin1', 0, read)).split('\n');
      rest = lines.pop() ?? '';
      yield* lines;
    }
  } finally {
    closeSync(fd);
  }
}

/** @returns `undefined` for the head of a table */
function socketOf(line: string): Socket | undefined {
  // sl, local address, remote address, state, queues, timer, retransmissions, user, time-out, inode.
  const [, local = '', , state = '', , , , , , inode = ''] = line.trim().split(/\s+/);
  if (!/^[0-9A-F]{2}$/.test(state)) return undefined;
  return { state, inode, port: Number.parseInt(local.slice(local.indexOf(':') + 1), 16) };
}
