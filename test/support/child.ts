import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Stall } from '../../src/types.js';

/** The Node.js under test: `WATCHDOG_TEST_NODE`, or the one that runs the tests. */
export const NODE: string = process.env.WATCHDOG_TEST_NODE ?? process.execPath;

/** Its version: 20, 22, ... */
export const NODE_MAJOR: number = Number(
  execFileSync(NODE, ['--print', 'process.versions.node'], { encoding: 'utf8' }).split('.')[0],
);

/** Without what sets up the tests: the watchdog would complain of variables that are none of its own. */
const OWN_ENV = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => !name.startsWith('WATCHDOG_')),
);

/** A child that did not end by itself is killed after this long; tests never wait for it on purpose. */
const DEAD_MAN_MS = 180_000;
/** The same for what a test waits for. A machine with more to do than it can takes several times as long as another. */
const PATIENCE_MS = 90_000;

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A real process of the test's, with a channel to it. */
export interface Child {
  readonly process: ChildProcess;
  /** The next message that has this property, also one that came before; its value. */
  message<T = unknown>(key: string): Promise<T>;
  /** The values of all such messages that have come and were not asked for yet. */
  messages(key: string): unknown[];
  /** What it has written to standard error, as soon as that matches. */
  printed(pattern: RegExp): Promise<RegExpExecArray>;
  send(message: object): void;
  /** Ends what `fixtures/hold.mjs` holds by this name, `main` by default. */
  release(what?: string): void;
  readonly exit: Promise<Exit>;
  kill(signal?: NodeJS.Signals): Promise<Exit>;
}

export interface ChildOptions {
  readonly args?: readonly string[];
  readonly nodeArgs?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** A command that runs the one it is given. */
  readonly under?: readonly string[];
  /** When to give the child up, in milliseconds. */
  readonly deadManMs?: number;
}

const running = new Set<Child>();

/** Ends what a test has left running; for `afterEach`. */
export async function killChildren(): Promise<void> {
  await Promise.all([...running].map((child) => child.kill()));
}

/** Runs a file of `test/fixtures` (or an absolute path) in a process of its own. */
export function startChild(fixture: string, options: ChildOptions = {}): Child {
  const file = fixture.startsWith('/')
    ? fixture
    : fileURLToPath(new URL(`../fixtures/${fixture}`, import.meta.url));
  const [command = NODE, ...args] = [
    ...(options.under ?? []),
    NODE,
    ...(options.nodeArgs ?? []),
    file,
    ...(options.args ?? []),
  ];
  const releases = mkdtempSync(join(tmpdir(), 'watchdog-releases-'));
  const child = spawn(command, args, {
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    env: { ...OWN_ENV, NODE_OPTIONS: '', TEST_RELEASES: releases, ...options.env },
    cwd: options.cwd,
  });
  let stdout = '';
  let stderr = '';
  /** Those who wait for a message, or for text. */
  const waiting: (() => void)[] = [];
  child.stdout?.on('data', (data) => {
    stdout += data;
  });
  child.stderr?.on('data', (data) => {
    stderr += data;
    for (const wake of waiting.splice(0)) wake();
  });
  const deadMan = setTimeout(() => child.kill('SIGKILL'), options.deadManMs ?? DEAD_MAN_MS);
  const exit = once(child, 'close').then(([code, signal]): Exit => {
    clearTimeout(deadMan);
    rmSync(releases, { recursive: true });
    running.delete(handle);
    return { code, signal, stdout, stderr };
  });

  const inbox: Record<string, unknown>[] = [];
  child.on('message', (message: Record<string, unknown>) => {
    inbox.push(message);
    for (const wake of waiting.splice(0)) wake();
  });
  const more = (awaited: string): Promise<void> =>
    Promise.race([
      new Promise<void>((resolve) => waiting.push(resolve)),
      exit.then((end) => {
        throw new Error(`the child ended before ${awaited}: ${JSON.stringify(end)}`);
      }),
    ]);
  const handle: Child = {
    process: child,
    async message<T>(key: string) {
      for (;;) {
        const place = inbox.findIndex((message) => Object.hasOwn(message, key));
        if (place >= 0) return inbox.splice(place, 1)[0]?.[key] as T;
        await more(`it sent "${key}"`);
      }
    },
    async printed(pattern) {
      for (;;) {
        const match = pattern.exec(stderr);
        if (match) return match;
        await more(`it printed ${pattern}`);
      }
    },
    messages: (key) => inbox.filter((message) => Object.hasOwn(message, key)).map((message) => message[key]),
    send: (message) => void child.send(message),
    release: (what = 'main') => writeFileSync(join(releases, what), ''),
    exit,
    kill(signal = 'SIGKILL') {
      child.kill(signal);
      return exit;
    },
  };
  running.add(handle);
  return handle;
}

/** Options with which the own stalls of a busy machine, which are shorter, use up no looks at the stack. */
export const RARE_LOOKS = { stallThreshold: 400 } as const;

/** The next stall that is told of and took so long: a busy machine may bring others of its own, which are shorter. */
export async function stallOver(app: Child, ms: number): Promise<Stall> {
  for (;;) {
    const stall = await app.message<Stall>('stall');
    if (stall.durationMs >= ms) return stall;
  }
}

/** Tries `attempt` until it returns something, every 20 ms, for as long as it may take on a busy machine. */
export async function eventually<T>(
  attempt: () => Promise<T | undefined> | T | undefined,
  what: string,
): Promise<T> {
  const deadline = Date.now() + PATIENCE_MS;
  let last: unknown;
  while (Date.now() < deadline) {
    try {
      const result = await attempt();
      if (result !== undefined && (result as unknown) !== false) return result;
    } catch (error) {
      last = error;
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`gave up waiting: ${what}`, { cause: last });
}
